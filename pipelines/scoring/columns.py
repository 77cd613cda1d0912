"""From the outcomes of a row's responses to the columns and the summary that a person reads."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from components.evaluation.score_benchmark.outcomes import Outcome
from pipelines.scoring.response_file import AddedColumn, Form

_NUMBER, _TEXT, _INDEX = pa.float64(), pa.string(), pa.int64()
_KINDS: Mapping[Form, Mapping[str, pa.DataType]] = {
    "pair": {"chosen_score": _NUMBER, "rejected_score": _NUMBER, "margin": _NUMBER, "failure": _TEXT},
    "candidates": {
        "scores": pa.list_(_NUMBER),
        "winner": _INDEX,
        "margin": _NUMBER,
        "failures": pa.list_(_TEXT),
    },
    "response": {"score": _NUMBER, "failure": _TEXT},
}

Row = Sequence[Outcome]


def column_names(form: Form, criterion: str) -> list[str]:
    """The columns that one criterion adds, e.g. `margin_Memory_Efficiency`."""
    return [f"{name}_{criterion}" for name in _KINDS[form]]


def score_columns(form: Form, criterion: str, rows: Sequence[Row]) -> list[AddedColumn]:
    """The columns of one criterion.

    A margin is chosen minus rejected, or the best candidate minus the second best. The winner is the index of the best
    candidate, of equal ones the first; candidates without a score cannot win. What lacks a score is null.
    """
    values = list(map({"pair": _pair, "candidates": _candidates, "response": _response}[form], rows))
    return [
        AddedColumn(name, kind, [row[position] for row in values])
        for position, (name, kind) in enumerate(
            zip(column_names(form, criterion), _KINDS[form].values(), strict=True)
        )
    ]


def summarise(form: Form, rows: Sequence[Row]) -> dict[str, Any]:
    """Counts of one criterion: rows, those with all scores, failures by type, mean margin; of pairs wins and ties."""
    margins = [margin for row in rows if (margin := _margin(form, row)) is not None]
    failures = Counter(outcome.failure for row in rows for outcome in row if outcome.failure)
    summary: dict[str, Any] = {
        "rows": len(rows),
        "scored": sum(all(outcome.score is not None for outcome in row) for row in rows),
        "failures": dict(sorted(failures.items())),
    }
    if form == "pair":
        summary["chosen_preferred"] = sum(margin > 0 for margin in margins)
        summary["tied"] = sum(margin == 0 for margin in margins)
    if form != "response":
        summary["mean_margin"] = sum(margins) / len(margins) if margins else None
    return summary


def summary_line(criterion: str, summary: Mapping[str, Any]) -> str:
    """The counts of one criterion as a line."""
    parts = [f"{summary['scored']:,} of {summary['rows']:,} rows scored"]
    if "chosen_preferred" in summary:
        parts.append(f"chosen preferred in {summary['chosen_preferred']:,}, tied in {summary['tied']:,}")
    if summary.get("mean_margin") is not None:
        parts.append(f"mean margin {summary['mean_margin']:.4f}")
    parts += [f"{name}: {count:,} responses" for name, count in summary["failures"].items()]
    return f"{criterion}: " + "; ".join(parts)


def _margin(form: Form, row: Row) -> float | None:
    """The margin of a row, or None where it has none."""
    scores = [outcome.score for outcome in row if outcome.score is not None]
    if len(scores) < 2:
        return None
    first, second = scores if form == "pair" else sorted(scores, reverse=True)[:2]
    return first - second


def _pair(row: Row) -> tuple[Any, ...]:
    chosen, rejected = row
    return chosen.score, rejected.score, _margin("pair", row), chosen.failure or rejected.failure


def _candidates(row: Row) -> tuple[Any, ...]:
    scores = [outcome.score for outcome in row]
    scored = [score for score in scores if score is not None]
    winner = scores.index(max(scored)) if scored else None
    return scores, winner, _margin("candidates", row), [outcome.failure for outcome in row]


def _response(row: Row) -> tuple[Any, ...]:
    (outcome,) = row
    return outcome.score, outcome.failure
