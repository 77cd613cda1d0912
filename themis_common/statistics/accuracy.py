"""How often a reward model prefers the chosen response.

A pair is *correct* when the chosen score is strictly greater, a *tie* when both are equal, *unscored* when
either score is missing (NaN). The published protocol counts ties as wrong; because that choice moves some
models by tens of points, every tally carries the counts for all three tie policies.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

from themis_common.statistics.intervals import Interval, wilson

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """Counts of one group of pairs; shares are in [0, 1]. Unscored pairs count as not correct in all of them."""

    total: int
    correct: int
    ties: int
    unscored: int

    def __post_init__(self) -> None:
        if self.total <= 0:
            raise ValueError("a tally needs at least one pair")
        assert min(self.correct, self.ties, self.unscored) >= 0
        assert self.correct + self.ties + self.unscored <= self.total

    @property
    def strict(self) -> float:
        """Share of correct pairs; a tie is wrong (the published number)."""
        return self.correct / self.total

    @property
    def half_credit(self) -> float:
        """Share with half a point for each tie: the expected accuracy when ties are broken by a coin."""
        return (self.correct + self.ties / 2) / self.total

    @property
    def tie_excluded(self) -> float | None:
        """Share of correct pairs among those that are not ties; None when every pair is a tie."""
        decided = self.total - self.ties
        return self.correct / decided if decided else None

    @property
    def coverage(self) -> float:
        """Share of pairs with both scores."""
        return (self.total - self.unscored) / self.total

    @property
    def interval(self) -> Interval:
        """95 % Wilson interval of the strict accuracy."""
        return wilson(self.correct, self.total)


@dataclass(frozen=True, kw_only=True, slots=True)
class Margins:
    """Chosen score minus rejected score over the scored pairs; `std` is the sample deviation (ddof 1)."""

    scored: int
    mean: float | None
    median: float | None
    std: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Breakdown:
    """One model on one benchmark, overall and by group; group keys are in code-point order."""

    overall: Tally
    margins: Margins
    by_criterion: Mapping[str, Tally]
    by_language: Mapping[str, Tally]
    by_subset: Mapping[str, Tally]

    @property
    def macro(self) -> float:
        """Unweighted mean of the strict accuracy of the criteria."""
        return math.fsum(group.strict for group in self.by_criterion.values()) / len(self.by_criterion)


def credit(chosen: FloatArray, rejected: FloatArray, *, tie: float = 0.0) -> FloatArray:
    """Credit of every pair: 1 for correct, `tie` for a tie, 0 otherwise. Inputs and output float64 (n,)."""
    return np.where(chosen > rejected, 1.0, np.where(chosen == rejected, tie, 0.0))


def tally(chosen: FloatArray, rejected: FloatArray) -> Tally:
    """Count one group. `chosen` and `rejected` are float64 (n,), NaN where a score is missing."""
    return Tally(
        total=len(chosen),
        correct=int(np.count_nonzero(chosen > rejected)),
        ties=int(np.count_nonzero(chosen == rejected)),
        unscored=int(np.count_nonzero(np.isnan(chosen) | np.isnan(rejected))),
    )


def margins(chosen: FloatArray, rejected: FloatArray) -> Margins:
    """Statistics of the score differences.

    Sums are exact (fsum), so that the order of the rows, and with it sharding, cannot change a digit.
    """
    differences = chosen - rejected
    values = differences[~np.isnan(differences)].tolist()
    count = len(values)
    if count == 0:
        return Margins(scored=0, mean=None, median=None, std=None)
    mean = math.fsum(values) / count
    std = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (count - 1)) if count > 1 else None
    return Margins(scored=count, mean=mean, median=median(values), std=std)


def breakdown(
    *,
    chosen: FloatArray,
    rejected: FloatArray,
    criteria: Sequence[str],
    languages: Sequence[str],
    subsets: Sequence[str],
) -> Breakdown:
    """All tallies of one model. Every argument has one entry per pair, in the same order."""
    return Breakdown(
        overall=tally(chosen, rejected),
        margins=margins(chosen, rejected),
        by_criterion=_by_group(chosen, rejected, criteria),
        by_language=_by_group(chosen, rejected, languages),
        by_subset=_by_group(chosen, rejected, subsets),
    )


def _by_group(chosen: FloatArray, rejected: FloatArray, keys: Sequence[str]) -> dict[str, Tally]:
    names, group_of_row = np.unique(np.asarray(keys, dtype=object), return_inverse=True)
    return {
        str(name): tally(chosen[group_of_row == index], rejected[group_of_row == index])
        for index, name in enumerate(names)
    }
