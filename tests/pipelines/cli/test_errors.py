"""A user's mistake costs one line that says what to do, and exit code 2."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.cli import main as command_line
from tests.e2e.runs import themis
from themis_common.errors import TransientError


def write_pairs(path: Path, **columns: list[str]) -> Path:
    """A file of one general preference pair, with columns replaced or (empty list) removed."""
    table = {
        "input": ["How?"],
        "chosen": ["So."],
        "rejected": ["No."],
        "criterion": ["Helpfulness"],
        **columns,
    }
    pq.write_table(pa.table({name: values for name, values in table.items() if values}), path)
    return path


def no_repository(folder: Path) -> list[str]:
    (folder / "plain").mkdir()
    return ["run", "dataset", "--set", f"git_repos=[{folder}/plain]"]


def empty_repository(folder: Path) -> list[str]:
    subprocess.run(["git", "init", "-q", str(folder / "empty")], check=True)
    return ["run", "dataset", "--set", f"git_repos=[{folder}/empty]"]


def wrong_column(folder: Path) -> list[str]:
    pairs = write_pairs(folder / "pairs.parquet", chosen=[])
    return ["stage", "import_general", "--set", f"path={pairs}", "--output", str(folder / "out")]


def unknown_criterion(folder: Path) -> list[str]:
    pairs = write_pairs(folder / "pairs.parquet", criterion=["Beauty"])
    return ["stage", "import_general", "--set", f"path={pairs}", "--output", str(folder / "out")]


def unknown_key(folder: Path) -> list[str]:
    return ["run", "dataset", "--set", "deduplicate.treshold=0.8"]


def yaml_error(folder: Path) -> list[str]:
    (folder / "mine.yaml").write_text("seed: [1\n")
    return ["run", "dataset", "--config", str(folder / "mine.yaml")]


def unwritable_output(folder: Path) -> list[str]:
    (folder / "file").write_text("")
    return ["demo", "--output", str(folder / "file" / "run")]


def benchmark_column(folder: Path) -> list[str]:
    pq.write_table(pa.table({"prompt": ["p"]}), folder / "benchmark.parquet")
    return ["run", "evaluation", "--set", f"benchmark={folder}/benchmark.parquet"]


def unknown_stage(folder: Path) -> list[str]:
    return ["stage", "dataset.dedupe", "--output", str(folder / "out")]


def no_dataset(folder: Path) -> list[str]:
    return ["data", "show", str(folder)]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (no_repository, ["plain", "git"]),
        (empty_repository, ["empty", "commit"]),
        (wrong_column, ["pairs.parquet", "chosen"]),
        (unknown_criterion, ["pairs.parquet", "row", "Beauty", "Readability_Maintainability"]),
        (unknown_key, ["treshold", "threshold"]),
        (yaml_error, ["mine.yaml", "line"]),
        (unwritable_output, ["file", "writ"]),
        (benchmark_column, ["benchmark.parquet", "chosen"]),
        (unknown_stage, ["dataset.dedupe", "dataset.deduplicate"]),
        (no_dataset, ["no finished dataset"]),
    ],
)
def test_mistakes(make: Callable[[Path], list[str]], words: list[str], tmp_path: Path) -> None:
    arguments = make(tmp_path)
    if arguments[0] == "run":
        arguments += ["--output", str(tmp_path / "run")]
    done = themis(*arguments)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    # a pipeline that got as far as its tasks tells of them first
    *tasks, line = done.stderr.strip().splitlines()
    assert all(task.startswith(("  ok ", "fail ", "  .  ")) for task in tasks), done.stderr
    assert line.startswith("error: ")
    assert [word for word in words if word not in line] == []


def test_a_fault_of_the_outside_world_costs_one_line_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable() -> None:
        raise TransientError("GitHub: status 503; gave up after 12 attempts in 300 s")

    monkeypatch.setattr(command_line, "app", unreachable)
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("gave up after 12 attempts in 300 s; run the same command again to go on")
