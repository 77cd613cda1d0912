"""Statistics of score files: the rows of a RESULTS table and the report that shows them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from components.evaluation.summarise.stage import SummariseConfig, statistics_rows
from pipelines.score_files import ScoredRun, align, pairs_of_benchmark, pairs_of_runs
from themis_common.errors import UserError
from themis_common.published_runs.results import Variant, results_json
from themis_common.published_runs.scores import read_score_table
from themis_common.report.model import Report
from themis_common.report.run.leaderboard import leaderboard
from themis_common.report.run.write import write_files
from themis_common.store import open_store

RESULTS = "results.jsonl"


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """All numbers in long form (the RESULTS table), and a report with the leaderboard."""

    rows: list[dict[str, Any]]
    report: Report


def aggregate_runs(
    runs: Sequence[ScoredRun],
    *,
    benchmark: str | None,
    reference: str,
    cluster_by: Literal["prompt", "subset"],
) -> RunStatistics:
    """Compute everything that the stage `evaluation.summarise` would.

    Raises:
        UserError: the runs are of different benchmarks, or no run is called like the reference.
    """
    names = [run.name for run in runs]
    if reference and reference not in names:
        raise UserError(f"--reference: no run is called {reference!r}; the runs are {', '.join(names)}")
    pairs = pairs_of_benchmark(benchmark, cluster_by) if benchmark else pairs_of_runs(runs, cluster_by)
    scored = {run.name: align(run, pairs) for run in runs}
    config = SummariseConfig(reference=reference, cluster_by=cluster_by)
    rows = list(statistics_rows(scored, pairs, config))
    cells = [{"cell": name, "architecture": "", "prompt_mode": "", "model": ""} for name in names]
    title = Path(benchmark).stem if benchmark else "Scored pairs"
    board = leaderboard(rows, cells, benchmark=title, pairs=len(pairs), cluster_by=cluster_by)
    best = board.rows[0]
    assert best.overall is not None
    summary = (
        f"{best.cell} prefers the chosen response in {best.overall.accuracy:.1%} of {len(pairs):,} pairs."
    )
    notices = tuple(_gaps(name, one.failures) for name, one in scored.items() if one.failures)
    return RunStatistics(
        rows, Report(title="Evaluation", summary=summary, notices=notices, leaderboard=board)
    )


def _gaps(run: str, failures: Mapping[str, int]) -> str:
    listed = ", ".join(f"{name} {count:,}" for name, count in sorted(failures.items()))
    return f"Run {run} has no score for some pairs, and those count as wrong: {listed}."


def write_statistics(statistics: RunStatistics, folder: Path) -> None:
    """Write the page, the table, the summary and all numbers into a folder.

    Raises:
        UserError: the folder cannot be written.
    """
    store = open_store(str(folder))
    write_files(store, statistics.report)
    lines = "".join(json.dumps(row, allow_nan=False) + "\n" for row in statistics.rows)
    store.write_bytes(RESULTS, lines.encode())


def write_compat(scores: str, file: Path, variant: Variant) -> None:
    """Write the results of a published score file in the published form.

    Raises:
        UserError: there is no such file, or it lacks what the form needs, or `file` cannot be written.
    """
    table = read_score_table(Path(scores))
    if file.is_dir():
        raise UserError(f"--compat: {file} is a folder; name the file to write")
    open_store(file.parent).write_bytes(file.name, results_json(table, variant).encode())
