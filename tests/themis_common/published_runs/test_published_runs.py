"""Published runs: their results to the byte, their scores there and back, and files that are none."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fixtures.shared import shared
from themis_common.errors import UserError
from themis_common.published_runs.results import Variant, results_json
from themis_common.published_runs.scores import ScoreTable, read_score_table, write_score_table

NAN = float("nan")

# The vector of facts/evaluation.md section 10.2.
HAND = ScoreTable(
    ids=["a1", "a2", "a3", "b1", "b2", "b3", "b4", "c1"],
    aspects=["FC", "FC", "FC", "ME", "ME", "ME", "ME", "SH"],
    languages=["Python", "Python", "Go", "C", "C", "Go", "Go", "C"],
    subsets=["S1", "S1", "S1", "S2", "S2", "S2", "S2", "S3"],
    chosen=np.array([2, 1, 0.5, 3, NAN, 2, 0, 4]),
    rejected=np.array([1, 1, 1.5, -1, 1, NAN, -2.5, 4]),
    parse_failed=np.array([False, False, False, False, True, True, False, False]),
)


def _variant(run: Path) -> Variant:
    if run.name.startswith("R3"):
        return "r3"
    return "lmunit" if run.name.startswith("LMUnit") else "base"


def test_results_of_published_runs_are_equal_to_the_byte() -> None:
    runs = sorted(shared("data", "evaluation_runs").iterdir())
    assert len(runs) == 12
    for run in runs:
        found = results_json(read_score_table(run / "scores.parquet"), _variant(run))
        assert found == (run / "results.json").read_text(), run.name


def test_hand_checked_vector() -> None:
    document = json.loads(results_json(HAND, "r3"))
    assert document["overall"] == {
        "accuracy": 0.375,
        "accuracy_valid_only": 0.5,
        "total_examples": 8,
        "correct_predictions": 3,
        "mean_score_difference": 1.0833,
        "median_score_difference": 0.5,
        "std_score_difference": 1.8552,
        "valid_pairs": 6,
        "total_parse_failures": 2,
        "parse_failure_rate": 0.25,
    }
    assert document["parse_failures"] == 2
    assert document["by_aspect"] == {
        "FC": {"accuracy": 0.3333, "count": 3},
        "ME": {"accuracy": 0.5, "count": 4},
        "SH": {"accuracy": 0.0, "count": 1},
    }


def test_scores_survive_writing_and_reading(tmp_path: Path) -> None:
    write_score_table(HAND, tmp_path / "scores.parquet")
    again = read_score_table(tmp_path / "scores.parquet")
    assert list(again.ids) == list(HAND.ids)
    np.testing.assert_array_equal(again.chosen, HAND.chosen)
    np.testing.assert_array_equal(again.rejected, HAND.rejected)
    assert results_json(again, "r3") == results_json(HAND, "r3")


def test_the_written_file_has_the_published_columns(tmp_path: Path) -> None:
    runs = {run.name: run for run in shared("data", "evaluation_runs").iterdir()}
    for name in ("Themis-RM-0.6B", "R3-Qwen3-8B-14k"):
        published = runs[name] / "scores.parquet"
        write_score_table(read_score_table(published), tmp_path / "again.parquet")
        again, before = pq.read_table(tmp_path / "again.parquet"), pq.read_table(published)
        assert again.column_names == before.column_names
        assert json.loads(again.schema.metadata[b"pandas"])["index_columns"] == ["id"]
        for column in again.column_names:
            assert again[column].to_pylist() == before[column].to_pylist(), column


def test_files_that_are_no_published_run_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "scores.parquet"
    file.write_text("no parquet")
    with pytest.raises(UserError, match="no readable parquet file"):
        read_score_table(file)
    with pytest.raises(UserError, match="no readable parquet file"):
        read_score_table(tmp_path)
    with pytest.raises(UserError, match=r"none: no such file; name the scores\.parquet of a published run"):
        read_score_table(tmp_path / "none")
    row = {
        "chosen_score": 1.0,
        "rejected_score": 0.0,
        "language": "C",
        "aspect": "FC",
        "subset": "S",
        "id": "a",
    }
    pq.write_table(pa.Table.from_pylist([{k: v for k, v in row.items() if k != "subset"}]), file)
    with pytest.raises(UserError, match="column subset is missing"):
        read_score_table(file)
    pq.write_table(pa.Table.from_pylist([row, row]), file)
    with pytest.raises(UserError, match="id a occurs 2 times"):
        read_score_table(file)
    pq.write_table(pa.Table.from_pylist([{**row, "chosen_score": "high"}]), file)
    with pytest.raises(UserError, match="column chosen_score holds no numbers"):
        read_score_table(file)
    pq.write_table(pa.Table.from_pylist([row]).slice(0, 0), file)
    with pytest.raises(UserError, match="holds no row"):
        read_score_table(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": None}, "row 2: id is None, not a text"),
        ({"aspect": None}, "row 2: aspect is None, not a text"),
        ({"language": None}, "row 2: language is None, not a text"),
        ({"chosen_score": float("inf")}, "row 2: chosen_score is inf, with which nothing can be compared"),
        ({"parse_failed": None}, "column parse_failed must hold true or false in every row"),
    ],
)
def test_a_row_that_cannot_be_counted_is_named(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    file = tmp_path / "scores.parquet"
    row = {
        "chosen_score": 1.0,
        "rejected_score": 0.0,
        "parse_failed": False,
        "language": "C",
        "aspect": "FC",
        "subset": "S",
        "id": "a",
    }
    pq.write_table(pa.Table.from_pylist([row, {**row, "id": "b", **change}]), file)
    with pytest.raises(UserError, match=message):
        read_score_table(file)


def test_texts_of_another_type_and_damaged_texts_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "scores.parquet"
    table = pa.Table.from_pylist(
        [
            {
                "chosen_score": 1.0,
                "rejected_score": 0.0,
                "language": "C",
                "aspect": "FC",
                "subset": "S",
                "id": "a",
            }
        ]
    )
    pq.write_table(table.set_column(3, "aspect", pa.array([["FC"]])), file)
    with pytest.raises(UserError, match=r"row 1: aspect is \['FC'\], not a text"):
        read_score_table(file)
    broken = pa.array([b"\x8d"]).view(pa.string())
    pq.write_table(table.set_column(3, "aspect", broken), file)
    with pytest.raises(UserError, match="column aspect is damaged"):
        read_score_table(file)


def test_the_r3_form_needs_recorded_failures() -> None:
    plain = ScoreTable(
        ids=["a"], aspects=["FC"], languages=["C"], subsets=["S"], chosen=np.ones(1), rejected=np.zeros(1)
    )
    with pytest.raises(UserError, match="needs the column parse_failed"):
        results_json(plain, "r3")
