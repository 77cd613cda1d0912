"""Which models of a leaderboard can be told apart: all pairs tested, corrected for their number, as rank ranges.

Of the 51 published runs, 34 of the 50 neighbours cannot be told apart at 5 % (facts/evaluation.md section 7.1); a bare
rank hides that, a range of ranks shows it.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from themis_common.statistics.accuracy import FloatArray
from themis_common.statistics.comparison import exact_mcnemar


@dataclass(frozen=True, slots=True)
class RankRange:
    """The ranks, from 1, that a model may hold."""

    best: int
    worst: int


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted by Holm's step-down procedure, in their order.

    Rejecting where the adjusted value is at most alpha keeps the chance of any false rejection at most alpha,
    whatever the dependence between the tests.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for position, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - position) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def rank_ranges(credits: FloatArray, *, alpha: float = 0.05) -> list[RankRange]:
    """The ranks that each model may hold, given which others it differs from.

    Every two models are compared by the exact McNemar test over problems, and the p-values of all pairs are
    corrected together (Holm). A model ranks below all that are significantly better and above all that are
    significantly worse.

    Args:
        credits: (models, problems) float64 in [0, 1], the same problems in the same order for each.
        alpha: chance that any difference is claimed where there is none.
    """
    models = len(credits)
    contests = [
        (first, second, *decided(credits[first], credits[second]))
        for first, second in itertools.combinations(range(models), 2)
    ]
    adjusted = holm([exact_mcnemar(wins, losses) for _, _, wins, losses in contests])
    better, worse = [0] * models, [0] * models
    for (first, second, wins, losses), p_value in zip(contests, adjusted, strict=True):
        if p_value <= alpha:
            winner, loser = (first, second) if wins > losses else (second, first)
            worse[winner] += 1
            better[loser] += 1
    return [RankRange(1 + above, models - below) for above, below in zip(better, worse, strict=True)]


def decided(first: FloatArray, second: FloatArray) -> tuple[int, int]:
    """On how many problems the first model is the better one, and on how many the second; float64 (problems,) each."""
    return int(np.count_nonzero(first > second)), int(np.count_nonzero(second > first))
