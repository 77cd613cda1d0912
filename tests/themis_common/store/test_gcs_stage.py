"""The stage contract on Google Cloud Storage: the same dataset as on a local disk, whatever happens on the way."""

from pathlib import Path

import pytest

from tests.fixtures.gcs_emulator import GcsEmulator
from tests.fixtures.gcs_faults import Fault, Kind
from tests.themis_common.stages.counting import EVEN, NUMBERS, SOURCE, EvenConfig, SourceConfig
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import TransientError
from themis_common.stages import StageReport, run_stage
from themis_common.store import gcs_bucket, open_store
from themis_common.store.retries import Retries

CONFIG = SourceConfig(count=500, units=4)


def run_both(root: str) -> tuple[StageReport, StageReport]:
    """Make numbers and keep the even ones, below `root`."""
    source = run_stage(SOURCE, CONFIG, {}, f"{root}/source")
    return source, run_stage(EVEN, EvenConfig(copies=2), {"numbers": source.uri}, f"{root}/even")


def manifests(root: str) -> list[bytes]:
    return [open_store(f"{root}/{name}").read_bytes("manifest.json") for name in ("source", "even")]


def wait_briefly(monkeypatch: pytest.MonkeyPatch, deadline: float) -> None:
    """Let the stores that stages open wait for milliseconds between attempts."""
    retries = Retries(first_delay=0.001, longest_delay=0.005, deadline=deadline)
    monkeypatch.setattr(gcs_bucket, "Retries", lambda: retries)


def test_a_stage_gives_the_same_dataset_as_on_a_local_disk(emulator: GcsEmulator, tmp_path: Path) -> None:
    local, remote = run_both(str(tmp_path)), run_both("gs://bucket/run")
    for here, there in zip(local, remote, strict=True):
        assert there.manifest == here.manifest
    assert manifests(str(tmp_path)) == manifests("gs://bucket/run")
    reader = DatasetReader(remote[1].uri, NUMBERS)
    assert sorted(row["number"] for row in reader.rows()) == sorted([*range(0, 500, 2)] * 2)
    assert len(list(reader.rejected())) == 250


@pytest.mark.parametrize("seed", range(3))
def test_faults_do_not_change_a_dataset(
    emulator: GcsEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    wait_briefly(monkeypatch, deadline=10.0)
    run_both(str(tmp_path))
    emulator.faults.share(seed, 0.3)
    run_both("gs://bucket/run")
    emulator.faults.clear()
    assert manifests(str(tmp_path)) == manifests("gs://bucket/run")


def test_a_stage_that_was_cut_off_goes_on_where_it_was(
    emulator: GcsEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait_briefly(monkeypatch, deadline=0.1)
    run_both(str(tmp_path))
    emulator.faults.on("POST", "^/upload/", Fault(kind=Kind.RESET), nth=6, times=None)
    with pytest.raises(TransientError, match=r"cannot write gs://bucket/run/.*gave up"):
        run_both("gs://bucket/run")
    emulator.faults.clear()
    finished = [
        f"run/source/{name}"
        for unit in (0, 1)
        for name in (f"_units/{unit:05d}.json", f"data/{unit:05d}.parquet")
    ]
    before = [emulator.buckets.get("bucket", name).generation for name in finished]
    run_both("gs://bucket/run")
    assert [emulator.buckets.get("bucket", name).generation for name in finished] == before
    assert manifests(str(tmp_path)) == manifests("gs://bucket/run")


def test_a_finished_dataset_is_found_again(emulator: GcsEmulator) -> None:
    run_both("gs://bucket/run")
    emulator.requests.clear()
    assert [report.cached for report in run_both("gs://bucket/run")] == [True, True]
    assert not [request for request in emulator.requests if request.method == "POST"]
