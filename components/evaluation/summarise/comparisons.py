"""How cells compare: each with one reference, and all with each other as ranges of ranks."""

from collections.abc import Iterator, Mapping

import numpy as np

from components.evaluation.summarise.cell_statistics import Row, result_row
from components.evaluation.summarise.clusters import cluster_sums
from components.evaluation.summarise.pairs import BenchmarkPairs, CellScores
from themis_common.hashing import rng, row_key
from themis_common.statistics import credit, decided, exact_mcnemar, holm, paired_difference, rank_ranges
from themis_common.statistics.accuracy import FloatArray


def comparison_rows(
    scored: Mapping[str, CellScores], pairs: BenchmarkPairs, *, reference: str, resamples: int, seed: int
) -> Iterator[Row]:
    """The difference of every other cell to the reference; their p-values are corrected together (Holm)."""
    others = [cell for cell in scored if cell != reference]
    base = credit(scored[reference].chosen, scored[reference].rejected)
    tests: list[tuple[int, int]] = []
    for cell in others:
        own = credit(scored[cell].chosen, scored[cell].rejected)
        draws = rng(seed, row_key(reference, cell), "bootstrap").getrandbits(64)
        found = paired_difference(own, base, pairs.clusters, seed=draws, resamples=resamples)
        low, high = found.interval.low, found.interval.high
        yield result_row(
            cell, "versus", reference, "difference", found.estimate, rows=len(pairs), low=low, high=high
        )
        tests.append(decided(_by_problem(own, pairs), _by_problem(base, pairs)))
    p_values = [exact_mcnemar(*test) for test in tests]
    for cell, test, p_value, p_adjusted in zip(others, tests, p_values, holm(p_values), strict=True):
        yield result_row(cell, "versus", reference, "p_value", p_value, rows=sum(test))
        yield result_row(cell, "versus", reference, "p_adjusted", p_adjusted, rows=sum(test))


def rank_rows(scored: Mapping[str, CellScores], pairs: BenchmarkPairs) -> Iterator[Row]:
    """The best and the worst rank that each cell may hold."""
    if not scored:
        return
    by_problem = np.stack([_by_problem(credit(one.chosen, one.rejected), pairs) for one in scored.values()])
    for cell, ranks in zip(scored, rank_ranges(by_problem), strict=True):
        yield result_row(cell, "overall", "all", "rank_best", float(ranks.best), rows=len(pairs))
        yield result_row(cell, "overall", "all", "rank_worst", float(ranks.worst), rows=len(pairs))


def _by_problem(pair_credit: FloatArray, pairs: BenchmarkPairs) -> FloatArray:
    """Mean credit of each problem, float64 (problems,), problems in the order of their names."""
    sums, sizes = cluster_sums(pair_credit, pairs.problems)
    return sums / sizes
