"""Statistics of score files: the rows of a RESULTS table and the report that shows them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from components.evaluation.summarise.stage import SummariseConfig, statistics_rows
from pipelines.score_files import ScoredRun, align, pairs_of_benchmark, pairs_of_runs
from themis_common.errors import UserError
from themis_common.published_runs.results import Variant, results_json
from themis_common.published_runs.scores import read_score_table
from themis_common.report.model import LeaderboardRow, Report
from themis_common.report.run.leaderboard import leaderboard
from themis_common.report.run.write import write_files
from themis_common.report.text import counts
from themis_common.store import open_store

RESULTS = "results.jsonl"


@dataclass(frozen=True, slots=True)
class RunStatistics:
    """All numbers in long form (the RESULTS table), and a report with the leaderboard."""

    rows: list[dict[str, Any]]
    report: Report


def published_forms(options: Sequence[str], runs: Sequence[str]) -> dict[str, Variant]:
    """The published form of each run by its name, from `--compat-variant`: FORM for a single run, else RUN=FORM.

    Raises:
        UserError: no such form or run, or a form that says not which of several runs it is of.
    """
    forms: dict[str, Variant] = dict.fromkeys(runs, "base")
    for option in options:
        run, named, word = option.rpartition("=")
        form = next((known for known in get_args(Variant) if known == word), None)
        if form is None:
            raise UserError(
                f"--compat-variant: {word!r} is no published form; take one of {', '.join(get_args(Variant))}"
            )
        if not named and len(runs) > 1:
            raise UserError(
                f"--compat-variant {word}: say of which of the {len(runs)} runs, {runs[0]}={word}"
            )
        if named and run not in forms:
            raise UserError(f"--compat-variant: no run is called {run!r}; the runs are {', '.join(runs)}")
        forms[run or runs[0]] = form
    return forms


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
    summary = (
        f"{best.cell} prefers the chosen response in {best.overall.accuracy:.1%} of {len(pairs):,} pairs."
        if best.overall
        else "No run has a score for any pair."
    )
    notices = tuple(_gaps(row) for row in board.rows if row.failures)
    return RunStatistics(
        rows, Report(title="Evaluation", summary=summary, notices=notices, leaderboard=board)
    )


def _gaps(row: LeaderboardRow) -> str:
    if row.overall is None:
        return f"Run {row.cell} has no scores. {row.failure}"
    return f"Run {row.cell} has no score for some pairs, and those count as wrong: {counts(row.failures)}."


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
