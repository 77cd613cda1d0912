"""One stage alone, on a dataset or on plain files with the right columns."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.single_stage import run_single_stage
from themis_common.errors import UserError
from themis_common.stages import StageReport

COMMIT: dict[str, Any] = {
    "commit": "c" * 40,
    "parent": "p" * 40,
    "repos": ["owner/project"],
    "licenses": ["mit"],
    "subject": "Fix it",
    "message": "Fix it\n\nBecause.",
    "path": "src/main.py",
    "old_blob": "0" * 40,
    "new_blob": "1" * 40,
    "unix_time": 1_500_000_000,
}


def filter_commits(source: Path, output: Path, *overrides: str) -> StageReport:
    return run_single_stage("dataset.filter_commits", [str(source)], str(output), "local", list(overrides))


def write_jsonl(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_jsonl_and_parquet_give_the_same_dataset(tmp_path: Path) -> None:
    rows = [COMMIT, {**COMMIT, "path": "README.md"}]
    lines = write_jsonl(tmp_path / "rows.jsonl", *rows)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    first = filter_commits(lines, tmp_path / "a")
    second = filter_commits(tmp_path / "rows.parquet", tmp_path / "b")
    assert first.manifest.rows == 1
    assert first.manifest.counts.dropped == {"extension_unknown": 1}
    assert first.manifest.content_digest == second.manifest.content_digest


def test_a_dataset_is_taken_as_it_is(tmp_path: Path) -> None:
    first = filter_commits(write_jsonl(tmp_path / "rows.jsonl", COMMIT), tmp_path / "a")
    imported = tmp_path / "a/_inputs/commits"
    assert filter_commits(imported, tmp_path / "b").manifest.content_digest == first.manifest.content_digest
    assert not (tmp_path / "b/_inputs").exists()


def test_options_are_named_without_the_task(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "rows.jsonl", COMMIT)
    report = filter_commits(source, tmp_path / "a", "languages=[Go]")
    assert report.manifest.counts.dropped == {"language_not_wanted": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"path": None}, r"rows.jsonl: row 1: column 'path' is null"),
        ({"unix_time": "yesterday"}, "rows.jsonl"),
        ({"message": 5}, "rows.jsonl"),
    ],
)
def test_wrong_values_name_the_file(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    source = write_jsonl(tmp_path / "rows.jsonl", {**COMMIT, **change})
    with pytest.raises(UserError, match=message):
        filter_commits(source, tmp_path / "out")


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    rows = [{name: value for name, value in COMMIT.items() if name != "repos"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    with pytest.raises(
        UserError, match=r"rows.parquet: column 'repos' .* of commits is missing; found commit"
    ):
        filter_commits(tmp_path / "rows.parquet", tmp_path / "out")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n")
    with pytest.raises(UserError, match="neither a dataset nor a parquet or JSONL file"):
        filter_commits(tmp_path / "rows.csv", tmp_path / "out")


def test_a_row_that_stands_twice_is_named(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "rows.jsonl", COMMIT, COMMIT)
    with pytest.raises(UserError, match="rows.jsonl: row 2 stands twice"):
        filter_commits(source, tmp_path / "out")
