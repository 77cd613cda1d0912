"""The leaderboard from rows of results: cells that failed at every pair, and the prompts of judges served elsewhere."""

import json
from typing import Any

from themis_common.report import render_markdown, render_page, summary
from themis_common.report.model import Leaderboard, Report
from themis_common.report.run.leaderboard import leaderboard


def _result(cell: str, group: str, name: str, metric: str, value: float) -> dict[str, Any]:
    return {
        "cell": cell,
        "group": group,
        "slice": name,
        "metric": metric,
        "value": value,
        "low": 0.0,
        "high": 1.0,
        "rows": 1240,
    }


def _scored(cell: str) -> list[dict[str, Any]]:
    metrics = {"strict": 0.75, "ties": 0.0, "coverage": 1.0, "rank_best": 1.0, "rank_worst": 1.0}
    return [_result(cell, "overall", "all", metric, value) for metric, value in metrics.items()]


def _cell(name: str, architecture: str, prompt_mode: str, model: str = "") -> dict[str, str]:
    return {"cell": name, "architecture": architecture, "prompt_mode": prompt_mode, "model": model}


def _board(results: list[dict[str, Any]], *cells: dict[str, str]) -> Leaderboard:
    return leaderboard(results, cells, benchmark="b", pairs=1240)


def test_a_cell_that_failed_at_every_pair_reads_no_scores_with_its_failures() -> None:
    dead = [
        _result("dead", "overall", "all", "coverage", 0.0),
        _result("dead", "failure", "too_long", "pairs", 1238.0),
        _result("dead", "failure", "parse", "pairs", 2.0),
    ]
    cells = [_cell("dead", "seqcls", "all", "m"), _cell("alive", "seqcls", "all", "m")]
    board = _board([*dead, *_scored("alive")], *cells)
    assert [row.cell for row in board.rows] == ["alive", "dead"]
    report = Report(title="t", summary="s", leaderboard=board)
    told = "Every pair failed: parse 2, too long 1,238."
    assert f"<strong>No scores.</strong> {told}" in render_page(report)
    assert "|  | dead | no scores | " in render_markdown(report)
    row = json.loads(json.dumps(summary(report)))["leaderboard"]["rows"][1]
    assert (row["overall"], row["ranks"], row["versus"]) == (None, None, None)
    assert (row["failure"], row["failures"]) == (told, {"parse": 2, "too_long": 1238})


def test_only_baselines_and_imported_scores_have_no_prompt() -> None:
    cells = [
        _cell("served", "r3", "criterion"),
        _cell("own", "seqcls", "all", "m"),
        _cell("length", "longer-response", "none"),
        _cell("theirs", "published", "", "scores.parquet"),
        _cell("dead-length", "longer-response", "none"),
    ]
    board = _board([row for cell in cells[:4] for row in _scored(cell["cell"])], *cells)
    assert {row.cell: row.prompt_mode for row in board.rows} == {
        "served": "criterion",
        "own": "all",
        "length": "",
        "theirs": "",
        "dead-length": "",
    }
