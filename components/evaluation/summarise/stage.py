"""From the scores of all cells to statistics: accuracy under every tie policy, by group, and against one reference."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from components.evaluation.summarise.clusters import cluster_sums, effective_pairs
from themis_common.config import config, option
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import rng, row_key
from themis_common.schemas import BENCHMARK, CELLS, RESULTS, SCORES
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole
from themis_common.statistics import Breakdown, Interval, Tally, breakdown, credit, paired_difference, wilson
from themis_common.statistics.accuracy import FloatArray

SCORES_INPUT = "scores/"


@config
class SummariseConfig:
    """What the cells are compared with."""

    reference: str = option("", help="cell that all others are compared with; empty: the most accurate one")
    cluster_by: Literal["prompt", "subset"] = option(
        "prompt",
        help="pairs that are drawn together in the comparison; subset: the pairs of a subset are variants of one "
        "problem, so that accuracies and p-values must not count them one by one either",
    )
    resamples: int = option(10_000, help="bootstrap resamples of the comparison")
    seed: int = option(7, help="seed of the bootstrap", shared="seed")

    def __post_init__(self) -> None:
        if self.resamples < 100:
            raise ValueError(f"resamples must be at least 100 to give an interval, found {self.resamples}")


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The benchmark without its responses; one entry per pair in all of them, `index` by id.

    Attributes:
        clusters: what the bootstrap draws.
        problems: what accuracies and p-values count: every pair by itself, or subsets.
    """

    index: Mapping[str, int]
    criteria: list[str]
    languages: list[str]
    subsets: list[str]
    clusters: list[str]
    problems: list[str]


@dataclass(frozen=True, slots=True)
class _Scored:
    """One cell: scores, float64 (pairs,) with NaN where there is none, and how often each failure occurred."""

    chosen: FloatArray
    rejected: FloatArray
    failures: Mapping[str, int]


def work(context: Context[SummariseConfig], unit: str, output: UnitOutput) -> None:
    """Write the statistics of every cell that left scores; a cell without scores has no rows."""
    cells = [row["cell"] for row in context.inputs["cells"].rows()]
    if context.config.reference and context.config.reference not in cells:
        raise UserError(f"reference: no cell {context.config.reference!r}; the cells are {', '.join(cells)}")
    pairs = _read_pairs(context.inputs["benchmark"], context.config.cluster_by)
    scored: dict[str, _Scored] = {}
    for cell in cells:
        if SCORES_INPUT + cell in context.inputs:
            scored[cell] = _read_scores(context.inputs[SCORES_INPUT + cell], pairs, output)
    breakdowns = {cell: _breakdown(one, pairs) for cell, one in scored.items()}
    for cell, result in breakdowns.items():
        for row in _cell_rows(cell, result, scored[cell], pairs):
            output.emit(row, sources=())
    reference = context.config.reference or _best(breakdowns)
    if reference in scored:
        for row in _comparison_rows(scored, pairs, reference, context.config):
            output.emit(row, sources=())


def _read_pairs(benchmark: DatasetReader, cluster_by: Literal["prompt", "subset"]) -> _Pairs:
    pairs = _Pairs({}, [], [], [], [], [])
    index: dict[str, int] = {}
    for row in benchmark.rows(columns=["id", "prompt", "aspect", "language", "subset"]):
        index[row["id"]] = len(index)
        pairs.criteria.append(row["aspect"])
        pairs.languages.append(row["language"])
        pairs.subsets.append(row["subset"])
        # Pairs that share a prompt share much of what decides them.
        pairs.clusters.append(row_key(row["prompt"]) if cluster_by == "prompt" else row["subset"])
        pairs.problems.append(row["id"] if cluster_by == "prompt" else row["subset"])
    return _Pairs(index, pairs.criteria, pairs.languages, pairs.subsets, pairs.clusters, pairs.problems)


def _read_scores(scores: DatasetReader, pairs: _Pairs, output: UnitOutput) -> _Scored:
    chosen = np.full(len(pairs.index), np.nan)
    rejected = np.full(len(pairs.index), np.nan)
    failures: dict[str, int] = {}
    count = 0
    for row in scores.rows():
        output.read([row["row_key"]])
        output.consume([row["row_key"]])
        if row["id"] not in pairs.index:
            raise UserError(
                f"{scores.uri}: id {row['id']!r} is not in the benchmark; score the cell on this benchmark"
            )
        position = pairs.index[row["id"]]
        count += 1
        if row["failure"] is not None:
            failures[row["failure"]] = failures.get(row["failure"], 0) + 1
            continue
        chosen[position], rejected[position] = row["chosen_score"], row["rejected_score"]
    if count != len(pairs.index):
        raise UserError(
            f"{scores.uri} has {count} of the benchmark's {len(pairs.index)} pairs; score the cell on this benchmark"
        )
    return _Scored(chosen, rejected, failures)


def _breakdown(scored: _Scored, pairs: _Pairs) -> Breakdown:
    return breakdown(
        chosen=scored.chosen,
        rejected=scored.rejected,
        criteria=pairs.criteria,
        languages=pairs.languages,
        subsets=pairs.subsets,
    )


def _best(breakdowns: Mapping[str, Breakdown]) -> str:
    """The most accurate cell, the first of equals; empty where there is none."""
    return max(breakdowns, key=lambda cell: breakdowns[cell].overall.strict, default="")


def _cell_rows(cell: str, result: Breakdown, scored: _Scored, pairs: _Pairs) -> Iterator[dict[str, Any]]:
    for group, tallies, names in (
        ("overall", {"all": result.overall}, ["all"] * result.overall.total),
        ("criterion", result.by_criterion, pairs.criteria),
        ("language", result.by_language, pairs.languages),
        ("subset", result.by_subset, pairs.subsets),
    ):
        for name, tally in tallies.items():
            interval = _accuracy_interval(tally, scored, pairs, np.array(names, dtype=object) == name)
            yield from _tally_rows(cell, group, name, tally, interval)
    margins = result.margins
    overall: dict[str, float | None] = {
        "macro": result.macro,
        "margin_mean": margins.mean,
        "margin_median": margins.median,
        "margin_std": margins.std,
    }
    for metric, value in overall.items():
        if value is not None:
            yield _row(cell, "overall", "all", metric, value, rows=result.overall.total)
    for name, count in sorted(scored.failures.items()):
        yield _row(cell, "failure", name, "pairs", float(count), rows=result.overall.total)


def _accuracy_interval(
    tally: Tally, scored: _Scored, pairs: _Pairs, members: npt.NDArray[np.bool_]
) -> Interval:
    """Wilson interval of the strict accuracy over the effective number of pairs; `members` is (pairs,)."""
    problems = [problem for problem, member in zip(pairs.problems, members, strict=True) if member]
    count = effective_pairs(credit(scored.chosen[members], scored.rejected[members]), problems)
    return wilson(round(tally.strict * count), count)


def _tally_rows(
    cell: str, group: str, name: str, tally: Tally, interval: Interval
) -> Iterator[dict[str, Any]]:
    yield _row(
        cell, group, name, "strict", tally.strict, rows=tally.total, low=interval.low, high=interval.high
    )
    yield _row(cell, group, name, "half_credit", tally.half_credit, rows=tally.total)
    if tally.tie_excluded is not None:
        yield _row(cell, group, name, "tie_excluded", tally.tie_excluded, rows=tally.total - tally.ties)
    yield _row(cell, group, name, "ties", float(tally.ties), rows=tally.total)
    yield _row(cell, group, name, "coverage", tally.coverage, rows=tally.total)


def _comparison_rows(
    scored: Mapping[str, _Scored], pairs: _Pairs, reference: str, config: SummariseConfig
) -> Iterator[dict[str, Any]]:
    base = credit(scored[reference].chosen, scored[reference].rejected)
    for cell, one in scored.items():
        if cell == reference:
            continue
        seed = rng(config.seed, row_key(reference, cell), "bootstrap").getrandbits(64)
        own = credit(one.chosen, one.rejected)
        found = paired_difference(own, base, pairs.clusters, seed=seed, resamples=config.resamples)
        low, high = found.interval.low, found.interval.high
        yield _row(cell, "versus", reference, "difference", found.estimate, rows=len(own), low=low, high=high)
        tested = paired_difference(
            _by_problem(own, pairs),
            _by_problem(base, pairs),
            sorted(set(pairs.problems)),
            seed=seed,
            resamples=config.resamples,
        )
        decided = tested.first_only + tested.second_only
        yield _row(cell, "versus", reference, "p_value", tested.p_value, rows=decided)


def _by_problem(credits: FloatArray, pairs: _Pairs) -> FloatArray:
    """Mean credit of each problem, float64 (problems,)."""
    sums, sizes = cluster_sums(credits, pairs.problems)
    return sums / sizes


def _row(
    cell: str,
    group: str,
    name: str,
    metric: str,
    value: float,
    *,
    rows: int,
    low: float | None = None,
    high: float | None = None,
) -> dict[str, Any]:
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


STAGE = Stage(
    name="evaluation.summarise",
    version=1,
    config=SummariseConfig,
    inputs={"cells": CELLS, "benchmark": BENCHMARK, f"{SCORES_INPUT}*": SCORES},
    optional=frozenset({f"{SCORES_INPUT}*"}),
    output=RESULTS,
    work=work,
    plan=plan_whole,
)
