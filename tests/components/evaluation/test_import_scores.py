"""Published scores as a cell: every pair accounted for, and files of another benchmark refused with the pair."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.evaluation.import_scores.stage import STAGE, ImportScoresConfig
from tests.components.evaluation.builders import ROWS, import_rows
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.published_runs.scores import ScoreTable, write_score_table
from themis_common.schemas import SCORES
from themis_common.stages import StageReport, run_stage

TABLE = ScoreTable(
    ids=[row["id"] for row in ROWS],
    aspects=[row["aspect"] for row in ROWS],
    languages=[row["language"] for row in ROWS],
    subsets=[row["subset"] for row in ROWS],
    chosen=np.arange(8.0),
    rejected=np.full(8, 3.5),
)


def _import(table: ScoreTable, folder: Path) -> StageReport:
    folder.mkdir()
    write_score_table(table, folder / "scores.parquet")
    benchmark = import_rows(folder / "imported")
    config = ImportScoresConfig(cell="run", scores=str(folder / "scores.parquet"))
    return run_stage(STAGE, config, {"benchmark": benchmark}, str(folder / "cell"))


def _rows(report: StageReport) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in DatasetReader(report.uri, SCORES).rows()}


def test_scores_arrive_bit_by_bit_wherever_the_file_lies(tmp_path: Path) -> None:
    report = _import(TABLE, tmp_path / "a")
    assert [row["chosen_score"] for row in _rows(report).values()] == list(TABLE.chosen)
    assert {row["failure"] for row in _rows(report).values()} == {None}
    again = _import(TABLE, tmp_path / "b")
    assert again.manifest.inputs == report.manifest.inputs
    assert again.manifest.content_digest == report.manifest.content_digest


def test_gaps_are_typed_failures(tmp_path: Path) -> None:
    chosen = TABLE.chosen.copy()
    chosen[2] = np.nan
    part = ScoreTable(
        ids=TABLE.ids[:-1],
        aspects=TABLE.aspects[:-1],
        languages=TABLE.languages[:-1],
        subsets=TABLE.subsets[:-1],
        chosen=chosen[:-1],
        rejected=TABLE.rejected[:-1],
        parse_failed=np.array([False, True, True, *[False] * 4]),
    )
    rows = list(_rows(_import(part, tmp_path / "run")).values())
    assert [row["failure"] for row in rows] == [None, "parse", "parse", None, None, None, None, "missing"]
    # a side that could be read is kept
    assert (rows[1]["chosen_score"], rows[2]["chosen_score"]) == (1.0, None)


def test_a_pair_of_another_benchmark_is_named(tmp_path: Path) -> None:
    renamed = dataclasses.replace(TABLE, ids=["OTHER_1", *TABLE.ids[1:]])
    with pytest.raises(UserError, match="scores.parquet: pair OTHER_1 is not in the benchmark"):
        _import(renamed, tmp_path / "renamed")
    languages = ["Ruby", *TABLE.languages[1:]]
    with pytest.raises(UserError, match="pair SET_0000 has language Ruby, in the benchmark Python"):
        _import(dataclasses.replace(TABLE, languages=languages), tmp_path / "changed")


def test_a_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    benchmark = import_rows(tmp_path / "imported")
    nothing = ImportScoresConfig(scores=str(tmp_path / "none.parquet"))
    with pytest.raises(UserError, match="none.parquet: no such file"):
        run_stage(STAGE, nothing, {"benchmark": benchmark}, str(tmp_path / "none"))
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(UserError, match="damaged.parquet: no readable parquet file"):
        run_stage(
            STAGE, ImportScoresConfig(scores=str(damaged)), {"benchmark": benchmark}, str(tmp_path / "d")
        )
