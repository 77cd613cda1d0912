"""The statistics of one cell, as rows of the RESULTS table in long form."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from components.evaluation.summarise.clusters import effective_pairs
from components.evaluation.summarise.pairs import BenchmarkPairs, CellScores
from themis_common.hashing import row_key
from themis_common.statistics import breakdown, calibration, credit, length_bias, tally, wilson

Row = dict[str, Any]


def result_row(
    cell: str,
    group: str,
    name: str,
    metric: str,
    value: float,
    *,
    rows: int,
    low: float | None = None,
    high: float | None = None,
) -> Row:
    """One number of the RESULTS table; `low` and `high` are its 95 % interval, `rows` the pairs it is over."""
    return {
        "row_key": row_key(cell, group, name, metric),
        "cell": cell,
        "group": group,
        "slice": name,
        "metric": metric,
        "value": value,
        "low": low,
        "high": high,
        "rows": rows,
    }


def cell_rows(cell: str, scored: CellScores, pairs: BenchmarkPairs) -> Iterator[Row]:
    """Everything that is known of a cell without looking at another; of one without any score, its failures only."""
    total = len(pairs)
    for name, count in sorted(scored.failures.items()):
        yield result_row(cell, "failure", name, "pairs", float(count), rows=total)
    if not scored.any_pair:
        yield result_row(cell, "overall", "all", "coverage", 0.0, rows=total)
        return
    both = [
        f"{criterion}/{language}" for criterion, language in zip(pairs.criteria, pairs.languages, strict=True)
    ]
    yield from _group_rows(cell, "overall", ["all"] * total, scored, pairs)
    yield from _group_rows(cell, "criterion", pairs.criteria, scored, pairs)
    yield from _group_rows(cell, "language", pairs.languages, scored, pairs)
    yield from _group_rows(cell, "subset", pairs.subsets, scored, pairs)
    yield from _group_rows(cell, "criterion_language", both, scored, pairs)
    yield from _overall_rows(cell, scored, pairs)
    yield from _length_rows(cell, scored, pairs)
    yield from _calibration_rows(cell, scored, total)


def _group_rows(
    cell: str, group: str, names: Sequence[str], scored: CellScores, pairs: BenchmarkPairs
) -> Iterator[Row]:
    """Accuracy under every tie policy for each of the named slices; `names` has one entry per pair."""
    labels = np.array(names, dtype=object)
    for name in sorted(set(names)):
        members = np.flatnonzero(labels == name)
        chosen, rejected = scored.chosen[members], scored.rejected[members]
        counts = tally(chosen, rejected)
        problems = [pairs.problems[member] for member in members]
        effective = effective_pairs(credit(chosen, rejected), problems)
        interval = wilson(round(counts.strict * effective), effective)
        rows = counts.total
        yield result_row(
            cell, group, name, "strict", counts.strict, rows=rows, low=interval.low, high=interval.high
        )
        yield result_row(cell, group, name, "half_credit", counts.half_credit, rows=rows)
        if counts.tie_excluded is not None:
            yield result_row(cell, group, name, "tie_excluded", counts.tie_excluded, rows=rows - counts.ties)
        yield result_row(cell, group, name, "ties", float(counts.ties), rows=rows)
        yield result_row(cell, group, name, "coverage", counts.coverage, rows=rows)


def _overall_rows(cell: str, scored: CellScores, pairs: BenchmarkPairs) -> Iterator[Row]:
    result = breakdown(
        chosen=scored.chosen,
        rejected=scored.rejected,
        criteria=pairs.criteria,
        languages=pairs.languages,
        subsets=pairs.subsets,
    )
    margins = result.margins
    yield result_row(cell, "overall", "all", "macro", result.macro, rows=len(pairs))
    for metric, value in (
        ("margin_mean", margins.mean),
        ("margin_median", margins.median),
        ("margin_std", margins.std),
    ):
        if value is not None:
            yield result_row(cell, "overall", "all", metric, value, rows=margins.scored)


def _length_rows(cell: str, scored: CellScores, pairs: BenchmarkPairs) -> Iterator[Row]:
    if pairs.extra_length is None:
        return
    bias = length_bias(scored.chosen, scored.rejected, extra_length=pairs.extra_length)
    for name, counts in (("chosen_longer", bias.chosen_longer), ("chosen_shorter", bias.chosen_shorter)):
        if counts is not None:
            yield result_row(cell, "length", name, "strict", counts.strict, rows=counts.total)
    for metric, value in (
        ("prefers_longer", bias.prefers_longer),
        ("longer_is_chosen", bias.longer_is_chosen),
    ):
        if value is not None:
            yield result_row(cell, "length", "all", metric, value, rows=len(pairs))


def _calibration_rows(cell: str, scored: CellScores, total: int) -> Iterator[Row]:
    found = calibration(scored.chosen, scored.rejected)
    if found is None:
        return
    for number, one in enumerate(found.bins):
        name = f"bin_{number:02d}"
        yield result_row(cell, "calibration", name, "claimed", one.claimed, rows=one.pairs)
        yield result_row(cell, "calibration", name, "correct", one.correct, rows=one.pairs)
    for metric, value in (
        ("margin_auc", found.auc),
        ("calibration_error", found.error),
        ("log_loss", found.log_loss),
    ):
        if value is not None:
            yield result_row(cell, "calibration", "all", metric, value, rows=total)
