"""The leaderboard of a report, from the statistics of an evaluation and the plan of its cells."""

from collections.abc import Iterable, Mapping
from typing import Any

from themis_common.architectures import ARCHITECTURES
from themis_common.report import text
from themis_common.report.model import Biases, ClusterBy, Leaderboard, LeaderboardRow, Score, Versus
from themis_common.report.run.slice_names import CRITERION_NAMES, LANGUAGE_NAMES

SCORING = "score_benchmark"
"""The task under which, followed by a dot and its id, a cell leaves its scores or its user error."""

_NO_SCORES = "Its task left no scores; the log of the task says why."

Statistics = dict[tuple[str, str, str], Mapping[str, Any]]


def leaderboard(
    results: Iterable[Mapping[str, Any]],
    cells: Iterable[Mapping[str, Any]],
    *,
    benchmark: str,
    pairs: int,
    cluster_by: ClusterBy = "prompt",
    reasons: Mapping[str, str] | None = None,
) -> Leaderboard:
    """Rows of RESULTS and CELLS tables as a leaderboard, best first, cells without scores last.

    Args:
        cluster_by: which pairs the statistics take to be drawn together.
        reasons: why a cell has no scores, where that is known.
    """
    by_cell: dict[str, Statistics] = {}
    reference = ""
    for row in results:
        by_cell.setdefault(row["cell"], {})[row["group"], row["slice"], row["metric"]] = row
        if row["group"] == "versus":
            reference = row["slice"]
    rows = [
        _row(cell, by_cell.get(cell["cell"], {}), reference, (reasons or {}).get(cell["cell"], _NO_SCORES))
        for cell in cells
    ]
    rows.sort(key=lambda row: -row.overall.accuracy if row.overall else 1.0)
    subsets = {name for found in by_cell.values() for group, name, _ in found if group == "subset"}
    return Leaderboard(
        benchmark=benchmark,
        pairs=pairs,
        rows=tuple(rows),
        reference=reference,
        cluster_by=cluster_by,
        subsets=len(subsets),
    )


def _row(cell: Mapping[str, Any], found: Statistics, reference: str, failure: str) -> LeaderboardRow:
    name, how = cell["cell"], cell["architecture"]
    mode = "" if _has_no_prompt(how) else cell["prompt_mode"]
    if not found:
        return LeaderboardRow(cell=name, architecture=how, prompt_mode=mode, failure=failure)
    failures = {key[1]: int(row["value"]) for key, row in found.items() if key[0] == "failure"}
    if not found["overall", "all", "coverage"]["value"]:
        told = f"Every pair failed: {text.counts(failures)}."
        return LeaderboardRow(cell=name, architecture=how, prompt_mode=mode, failure=told, failures=failures)

    def overall(metric: str) -> float | None:
        row = found.get(("overall", "all", metric))
        return None if row is None else float(row["value"])

    return LeaderboardRow(
        cell=name,
        architecture=how,
        prompt_mode=mode,
        overall=_score(found["overall", "all", "strict"]),
        macro=overall("macro"),
        half_credit=overall("half_credit"),
        tie_excluded=overall("tie_excluded"),
        ties=int(found["overall", "all", "ties"]["value"]),
        coverage=found["overall", "all", "coverage"]["value"],
        by_criterion=_scores(found, "criterion", CRITERION_NAMES),
        by_language=_scores(found, "language", LANGUAGE_NAMES),
        versus=_versus(found, reference),
        ranks=_ranks(found),
        biases=_biases(found),
        failures=failures,
    )


def _has_no_prompt(architecture: str) -> bool:
    """Whether a cell reads no prompt: it is a baseline, whose plan names a mode all the same."""
    return architecture in ARCHITECTURES and not ARCHITECTURES[architecture].needs_model


def _score(row: Mapping[str, Any]) -> Score:
    return Score(accuracy=row["value"], low=row["low"], high=row["high"], pairs=row["rows"])


def _scores(found: Statistics, group: str, names: Mapping[str, str]) -> dict[str, Score]:
    return {
        name: _score(found[group, key, "strict"])
        for key, name in names.items()
        if (group, key, "strict") in found
    }


def _versus(found: Statistics, reference: str) -> Versus | None:
    difference = found.get(("versus", reference, "difference"))
    if difference is None:
        return None
    return Versus(
        estimate=difference["value"],
        low=difference["low"],
        high=difference["high"],
        p_value=found["versus", reference, "p_adjusted"]["value"],
    )


def _ranks(found: Statistics) -> tuple[int, int]:
    best, worst = (int(found["overall", "all", f"rank_{end}"]["value"]) for end in ("best", "worst"))
    return best, worst


def _biases(found: Statistics) -> Biases:
    def value(group: str, name: str, metric: str) -> float | None:
        row = found.get((group, name, metric))
        return None if row is None else float(row["value"])

    return Biases(
        prefers_longer=value("length", "all", "prefers_longer"),
        longer_is_chosen=value("length", "all", "longer_is_chosen"),
        chosen_longer=value("length", "chosen_longer", "strict"),
        chosen_shorter=value("length", "chosen_shorter", "strict"),
        margin_auc=value("calibration", "all", "margin_auc"),
        calibration_error=value("calibration", "all", "calibration_error"),
    )
