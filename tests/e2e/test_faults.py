"""What goes wrong around a run: the machine, the disk, the data. Nothing is lost, and every message says what to do."""

import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines.sample_data import SampleData, write_sample_data
from tests.e2e.runs import digests, shard_times, themis, themis_killed_after

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleData:
    return write_sample_data(tmp_path_factory.mktemp("sample") / "data")


@dataclass(frozen=True)
class Case:
    """A pipeline, and a stage of it whose damaged shard the next stage reads."""

    pipeline: str
    damaged: str
    reader: str
    patience: float = 6.0  # seconds until it is killed at the latest

    def arguments(self, sample: SampleData) -> list[str]:
        """The command that runs the pipeline on the sample."""
        general, benchmark = f"general_pairs={sample.general_pairs}", f"benchmark={sample.benchmark}"
        repositories = f"git_repos=[{','.join(str(repository) for repository in sample.repositories)}]"
        code, cells = f"code_pairs={sample.general_pairs}", f"plan_cells.cells=[{BASELINE}]"
        values = {
            "dataset": [repositories, general],
            "training": [general, code],
            "evaluation": [benchmark, cells, "summarise.reference=longer"],
        }[self.pipeline]
        flags = [part for value in values for part in ("--set", value)]
        return ["run", self.pipeline, "--config", "demo", *flags]


BASELINE = "{id: longer, architecture: longer-response}"
CASES = [
    Case("dataset", damaged="dataset.retrieve_contents", reader="dataset.deduplicate"),
    Case("training", damaged="dataset.assemble_preferences", reader="training.pack_pairs"),
    Case(
        "evaluation", damaged="evaluation.import_benchmark", reader="evaluation.score_benchmark", patience=2.5
    ),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.pipeline)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


@pytest.fixture(scope="module")
def command(case: Case, sample: SampleData) -> list[str]:
    return case.arguments(sample)


@pytest.fixture(scope="module")
def undisturbed(command: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    done = themis(*command, "--output", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB, which no pipeline's datasets fit into."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a file system: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def test_a_full_disk_is_said_and_survived(
    command: list[str], undisturbed: Path, small_disk: Path, tmp_path: Path
) -> None:
    arguments = [*command, "--output", str(tmp_path / "run"), "--store", str(small_disk / "store")]
    failed = themis(*arguments)
    assert failed.returncode == 2, failed.stderr
    line = failed.stderr.strip().splitlines()[-1]
    assert line.startswith(f"error: cannot write {small_disk}/store/")
    assert line.endswith("no space left on device; free some and run again; finished work is kept")
    remount(small_disk, "size=256m")
    again = themis(*arguments)
    assert again.returncode == 0, again.stderr
    assert digests(tmp_path / "run") == digests(undisturbed)


def test_a_read_only_output_is_said_before_anything_runs(command: list[str], small_disk: Path) -> None:
    remount(small_disk, "ro")
    failed = themis(*command, "--output", str(small_disk / "run"))
    assert failed.returncode == 2
    assert len(failed.stderr.strip().splitlines()) == 1
    assert "read-only file system; choose a folder that can be written" in failed.stderr


@pytest.mark.parametrize(
    ("damage", "words"),
    [("truncate", "bytes, its manifest says"), ("edit", "was changed after it was written")],
)
def test_a_damaged_shard_is_named(
    damage: str, words: str, case: Case, command: list[str], undisturbed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    subprocess.run(["cp", "-a", str(undisturbed), str(folder)], check=True)
    # the copy's datasets are elsewhere than its records say; the run makes new records
    shards = sorted((folder / "store" / case.damaged).rglob("data/*.parquet"))
    for shard in shards:
        content = bytearray(shard.read_bytes())
        if damage == "truncate":
            del content[len(content) // 2 :]
        else:
            content[len(content) // 2] ^= 1
        shard.write_bytes(content)
    subprocess.run(["rm", "-r", str(folder / "store" / case.reader)], check=True)
    failed = themis(*command, "--output", str(folder))
    assert failed.returncode == 2, failed.stderr
    line = failed.stderr.strip().splitlines()[-1]
    assert line.startswith("error: ")
    assert any(f"shard {shard}" in line for shard in shards), line
    assert words in line
    assert "delete the dataset's folder and run its stage again" in line
    subprocess.run(["rm", "-r", str(folder / "store" / case.damaged)], check=True)
    again = themis(*command, "--output", str(folder))
    assert again.returncode == 0, again.stderr
    assert digests(folder) == digests(undisturbed)


def test_each_pipeline_survives_being_killed(
    case: Case, command: list[str], undisturbed: Path, tmp_path: Path
) -> None:
    moments = random.Random(case.pipeline)
    folder = tmp_path / "killed"
    finished: dict[Path, int] = {}
    kills = 0
    while kills < 5 and themis_killed_after(
        moments.uniform(0.5, case.patience), *command, "--output", str(folder)
    ):
        kills += 1
        now = shard_times(folder)
        assert [shard for shard, time in finished.items() if now.get(shard) != time] == []
        finished = now
    done = themis(*command, "--output", str(folder))
    assert done.returncode == 0, done.stderr
    assert kills >= 1
    assert digests(folder) == digests(undisturbed)
