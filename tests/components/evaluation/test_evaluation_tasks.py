"""The evaluation as tasks of a run folder: plan, cells, gate and report, with one cell that never ran."""

import json
from pathlib import Path

import numpy as np
import pytest

from components.evaluation.import_benchmark.stage import STAGE as IMPORT_BENCHMARK
from components.evaluation.import_scores.task import import_cell
from components.evaluation.plan_cells.stage import PlanCellsConfig
from components.evaluation.plan_cells.task import plan_run
from components.evaluation.score_benchmark.task import score_cell
from components.evaluation.summarise.task import summarise_run
from components.evaluation.write_report.task import report_run
from tests.components.evaluation.builders import ROWS, write_parquet, write_run
from themis_common.config import as_values
from themis_common.errors import UserError
from themis_common.published_runs.scores import ScoreTable, write_score_table
from themis_common.stages.task import RunFolder, run_task


@pytest.fixture
def run(tmp_path: Path, classifier_dataset: str, causal_dataset: str) -> str:
    """A run folder whose plan has four cells, one of them without its model's tokenizer limit in the way."""
    cells = [
        {"id": "model", "architecture": "seqcls", "model": classifier_dataset, "prompt_mode": "criterion"},
        {"id": "plain", "architecture": "seqcls", "model": classifier_dataset, "prompt_mode": "none"},
        {"id": "length", "architecture": "longer-response"},
        {"id": "untrained", "architecture": "seqcls-random-head", "model": causal_dataset},
    ]
    plan = as_values(PlanCellsConfig())
    sections = {
        "import_benchmark": {"benchmark": str(write_parquet(tmp_path / "sample.parquet", ROWS))},
        "plan_cells": {**plan, "cells": cells},
        "score_benchmark": {"device": "cpu", "threads": 1},
        "summarise": {"reference": "untrained"},
    }
    return write_run(tmp_path / "run", sections)


def _until_scored(run: str, tmp_path: Path, *, without: str = "") -> None:
    artifact = str(tmp_path / "benchmark.json")
    run_task(IMPORT_BENCHMARK, task="import_benchmark", run=run, inputs={}, artifact=artifact)
    for cell in plan_run(run=run, task="plan_cells"):
        if cell != without:
            facts = score_cell(run=run, task="score_benchmark", cell=cell, benchmark=artifact)
            assert (facts["cell"], facts["pairs"]) == (cell, len(ROWS))


def test_a_whole_evaluation_ends_in_a_report(run: str, tmp_path: Path) -> None:
    _until_scored(run, tmp_path)
    summarise_run(run=run, task="summarise")
    page, table = tmp_path / "out" / "page.html", tmp_path / "out" / "table.md"
    headline = report_run(run=run, page=str(page), table=str(table))
    summary = json.loads((Path(run) / "report" / "summary.json").read_text())
    board = summary["leaderboard"]
    assert {row["cell"] for row in board["rows"]} == {"model", "plain", "length", "untrained"}
    assert (board["pairs"], board["benchmark"], board["reference"]) == (len(ROWS), "sample", "untrained")
    accuracies = [row["overall"]["accuracy"] for row in board["rows"]]
    assert accuracies == sorted(accuracies, reverse=True)
    assert headline["cells_missing"] == 0
    assert headline["accuracy/length"] == round(
        sum(len(r["chosen"]) > len(r["rejected"]) for r in ROWS) / 8, 4
    )
    assert page.read_bytes() == (Path(run) / "report" / "index.html").read_bytes()
    assert "| length |" in table.read_text().replace("\\", "")
    assert RunFolder(run).errors() == []


def test_a_cell_that_never_ran_fails_the_gate_and_shows_in_the_report(run: str, tmp_path: Path) -> None:
    _until_scored(run, tmp_path, without="plain")
    with pytest.raises(UserError, match="cells without scores: plain; mend what"):
        summarise_run(run=run, task="summarise")
    report_run(run=run, page=str(tmp_path / "page.html"), table=str(tmp_path / "table.md"))
    summary = json.loads((Path(run) / "report" / "summary.json").read_text())
    last = summary["leaderboard"]["rows"][-1]
    assert (last["cell"], last["overall"]) == ("plain", None)
    assert any(notice.startswith("Cell plain has no scores.") for notice in summary["notices"])
    assert "No scores." in (tmp_path / "page.html").read_text()
    (error,) = RunFolder(run).errors()
    assert error.task == "summarise"
    assert "cells without scores: plain" in error.message


def test_scoring_again_is_a_cache_hit_whatever_other_cells_are_planned(run: str, tmp_path: Path) -> None:
    _until_scored(run, tmp_path)
    before = RunFolder(run).tasks()
    document = RunFolder(run).config()
    document["tasks"]["plan_cells"]["cells"].pop(1)
    RunFolder(run).clear()
    RunFolder(run).store.write_bytes("config.json", json.dumps(document).encode())
    _until_scored(run, tmp_path)
    after = RunFolder(run).tasks()
    for cell in ("model", "length", "untrained"):
        task = f"score_benchmark.{cell}"
        assert after[task]["cached"]
        assert after[task]["uri"] == before[task]["uri"]


def test_a_cell_outside_the_plan_is_refused(run: str, tmp_path: Path) -> None:
    _until_scored(run, tmp_path)
    with pytest.raises(UserError, match="plans no cell 'other'"):
        score_cell(run=run, task="score_benchmark", cell="other", benchmark=str(tmp_path / "benchmark.json"))


def test_a_published_run_stands_beside_scored_cells(run: str, tmp_path: Path) -> None:
    scores = tmp_path / "published" / "scores.parquet"
    scores.parent.mkdir()
    columns = {"ids": "id", "aspects": "aspect", "languages": "language", "subsets": "subset"}
    table = ScoreTable(
        **{name: [row[column] for row in ROWS] for name, column in columns.items()},
        chosen=np.arange(8.0),
        rejected=np.full(8, 0.5),
    )
    write_score_table(table, scores)
    document = RunFolder(run).config()
    document["tasks"]["plan_cells"]["cells"] = [
        {"id": "length", "architecture": "longer-response"},
        {"id": "theirs", "scores": str(scores)},
    ]
    document["tasks"]["summarise"] = {}
    RunFolder(run).store.write_bytes("config.json", json.dumps(document).encode())
    artifact = str(tmp_path / "benchmark.json")
    run_task(IMPORT_BENCHMARK, task="import_benchmark", run=run, inputs={}, artifact=artifact)
    groups = plan_run(run=run, task="plan_cells")
    assert groups == {"length": "evaluate_0", "theirs": "imported"}
    score_cell(run=run, task="score_benchmark", cell="length", benchmark=artifact)
    assert import_cell(run=run, task="score_benchmark", cell="theirs", benchmark=artifact)["pairs"] == len(
        ROWS
    )
    summarise_run(run=run, task="summarise")
    report_run(run=run, page=str(tmp_path / "page.html"), table=str(tmp_path / "table.md"))
    rows = json.loads((Path(run) / "report" / "summary.json").read_text())["leaderboard"]["rows"]
    (theirs,) = [row for row in rows if row["cell"] == "theirs"]
    assert (theirs["architecture"], theirs["prompt_mode"]) == ("imported", "")
    assert theirs["overall"]["accuracy"] == 7 / 8
    with pytest.raises(UserError, match="no cell 'other' is planned"):
        import_cell(run=run, task="score_benchmark", cell="other", benchmark=artifact)
