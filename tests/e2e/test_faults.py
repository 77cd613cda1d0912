"""What goes wrong around a run: the machine, the disk, the data. Nothing is lost, and every message says what to do."""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.sample_data import SampleData, write_sample_data
from tests.e2e.runs import digests, shard_times, themis, themis_killed_after

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleData:
    return write_sample_data(tmp_path_factory.mktemp("sample") / "data")


@pytest.fixture(scope="module")
def dataset_arguments(sample: SampleData) -> list[str]:
    repositories = ",".join(str(repository) for repository in sample.repositories)
    return [
        *("run", "dataset", "--config", "demo"),
        *("--set", f"git_repos=[{repositories}]", "--set", f"general_pairs={sample.general_pairs}"),
    ]


@pytest.fixture(scope="module")
def undisturbed(dataset_arguments: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    done = themis(*dataset_arguments, "--output", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB, which the sample's datasets do not fit into."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a file system: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def test_a_full_disk_is_said_and_survived(
    dataset_arguments: list[str], undisturbed: Path, small_disk: Path, tmp_path: Path
) -> None:
    arguments = [*dataset_arguments, "--output", str(tmp_path / "run"), "--store", str(small_disk / "store")]
    failed = themis(*arguments)
    assert failed.returncode == 2, failed.stderr
    line = failed.stderr.strip().splitlines()[-1]
    assert line.startswith(f"error: cannot write {small_disk}/store/")
    assert line.endswith("no space left on device; free some and run again; finished work is kept")
    remount(small_disk, "size=64m")
    again = themis(*arguments)
    assert again.returncode == 0, again.stderr
    assert digests(tmp_path / "run") == digests(undisturbed)


def test_a_read_only_output_is_said_before_anything_runs(
    dataset_arguments: list[str], small_disk: Path
) -> None:
    remount(small_disk, "ro")
    failed = themis(*dataset_arguments, "--output", str(small_disk / "run"))
    assert failed.returncode == 2
    assert len(failed.stderr.strip().splitlines()) == 1
    assert "read-only file system; choose a folder that can be written" in failed.stderr


@pytest.mark.parametrize(
    ("damage", "words"),
    [("truncate", "bytes, its manifest says"), ("edit", "was changed after it was written")],
)
def test_a_damaged_shard_is_named(
    damage: str, words: str, dataset_arguments: list[str], undisturbed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    subprocess.run(["cp", "-a", str(undisturbed), str(folder)], check=True)
    shard = next((folder / "store/dataset.retrieve_contents").rglob("data/00001.parquet"))
    content = bytearray(shard.read_bytes())
    if damage == "truncate":
        del content[len(content) // 2 :]
    else:
        content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    downstream = next((folder / "store/dataset.deduplicate").iterdir())
    subprocess.run(["rm", "-r", str(downstream)], check=True)
    failed = themis(*dataset_arguments, "--output", str(folder))
    assert failed.returncode == 2
    line = failed.stderr.strip().splitlines()[-1]
    assert f"error: shard {shard}" in line
    assert words in line
    assert "delete the dataset's folder and run its stage again" in line
    subprocess.run(["rm", "-r", str(shard.parents[1])], check=True)
    again = themis(*dataset_arguments, "--output", str(folder))
    assert again.returncode == 0, again.stderr
    assert digests(folder) == digests(undisturbed)


@pytest.mark.parametrize("pipeline", ["dataset", "training", "evaluation"])
def test_each_pipeline_survives_being_killed(
    pipeline: str, dataset_arguments: list[str], sample: SampleData, tmp_path: Path
) -> None:
    baselines = "plan_cells.cells=[{id: longer, architecture: longer-response}]"
    arguments = {
        "dataset": dataset_arguments,
        "training": [
            *("run", "training", "--config", "demo", "--set", f"general_pairs={sample.general_pairs}"),
            *("--set", f"code_pairs={sample.general_pairs}"),
        ],
        "evaluation": [
            *("run", "evaluation", "--set", f"benchmark={sample.benchmark}"),
            *("--set", baselines),
        ],
    }[pipeline]
    moments = random.Random(pipeline)
    folder = tmp_path / "killed"
    finished: dict[Path, int] = {}
    kills = 0
    while kills < 5 and themis_killed_after(moments.uniform(0.5, 6.0), *arguments, "--output", str(folder)):
        kills += 1
        now = shard_times(folder)
        assert [shard for shard, time in finished.items() if now.get(shard) != time] == []
        finished = now
    done = themis(*arguments, "--output", str(folder))
    assert done.returncode == 0, done.stderr
    assert kills >= 1
    other = themis(*arguments, "--output", str(tmp_path / "undisturbed"))
    assert other.returncode == 0, other.stderr
    assert digests(folder) == digests(tmp_path / "undisturbed")
