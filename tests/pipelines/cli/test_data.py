"""`themis data`: what is printed, and the exit codes."""

import json
from pathlib import Path

import pytest

from tests.e2e.runs import themis
from tests.themis_common.datasets.written import pair, write_rows
from themis_common.hashing import row_key
from themis_common.schemas import PAIRS

ROWS = [pair(number) for number in range(6)]


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    return write_rows(tmp_path / "a", PAIRS, ROWS, shards=2, dropped={"gone": "too short"})


def test_show_prints_the_funnel_and_so_many_rows(pairs: str) -> None:
    done = themis("data", "show", pairs, "--rows", "4")
    assert "in 7 = emitted 6 + dropped 1 (1 unwanted)" in done.stdout
    assert done.stdout.count("row_key: ") == 4
    rejected = json.loads(themis("data", "show", pairs, "--table", "rejected", "--json").stdout)
    assert rejected["rows"] == [{"row_key": "gone", "reason": "unwanted", "detail": "too short"}]
    missing = themis("data", "show", pairs, "--table", "votes")
    assert (missing.returncode, missing.stderr) == (
        2,
        f"error: {pairs} has no table 'votes'; its tables are data, rejected\n",
    )


def test_equal_datasets_are_told_by_exit_code_0(pairs: str, tmp_path: Path) -> None:
    same = write_rows(tmp_path / "b", PAIRS, ROWS[::-1])
    done = themis("data", "diff", pairs, same)
    assert (done.returncode, done.stdout) == (0, "equal: 6 rows\n")


def test_differences_are_told_by_exit_code_1(pairs: str, tmp_path: Path) -> None:
    long = "x" * 300
    other = write_rows(tmp_path / "b", PAIRS, [*ROWS[2:], pair(1, chosen=f"{long}!"), pair(7)])
    done = themis("data", "diff", pairs, other)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "A has 6 rows, B has 6",
        f"only in A: 1  e.g. {row_key('pair', 0)}",
        f"only in B: 1  e.g. {row_key('pair', 7)}",
        "changed: 1  in chosen 1",
        f"  {row_key('pair', 1)}",
        f"    chosen: 'sorted(values_1)' -> '{'x' * 59}...",
    ]
    document = json.loads(themis("data", "diff", pairs, other, "--samples", "0", "--json").stdout)
    assert (document["equal"], document["changed"], document["samples"]) == (False, 1, [])


def test_changes_deep_inside_a_text_are_shown(tmp_path: Path) -> None:
    head = "a = 1\n" * 50
    a = write_rows(tmp_path / "a", PAIRS, [pair(1, chosen=f"{head}old")])
    b = write_rows(tmp_path / "b", PAIRS, [pair(1, chosen=f"{head}new")])
    (line,) = [line for line in themis("data", "diff", a, b).stdout.splitlines() if "chosen: " in line]
    before, after = line.split(" -> ")
    assert before.endswith("= 1\\nold'")
    assert after.endswith("= 1\\nnew'")
    assert len(line) < 80


def test_wrong_use_is_told_by_exit_code_2(pairs: str, tmp_path: Path) -> None:
    done = themis("data", "diff", pairs, str(tmp_path / "nothing"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path / 'nothing'} is no finished dataset")
    remote = themis("data", "export", pairs, "--output", "gs://bucket/folder")
    assert remote.returncode == 2
    assert "an export is a local folder" in remote.stderr
    assert not (tmp_path / "gs:").exists()


def test_an_export_is_summed_up(pairs: str, tmp_path: Path) -> None:
    done = themis("data", "export", pairs, "--output", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    size = (tmp_path / "out/data/train-00000-of-00001.parquet").stat().st_size
    assert done.stdout.splitlines() == [
        f"train: 6 rows in 1 file, {size:,} bytes",
        f"{tmp_path}/out/README.md",
    ]
    again = themis("data", "export", pairs, "--output", str(tmp_path / "out"), "--format", "jsonl", "--json")
    assert json.loads(again.stdout)["splits"]["train"]["files"] == ["data/train-00000-of-00001.jsonl"]
