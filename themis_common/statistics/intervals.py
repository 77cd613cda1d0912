"""Confidence interval of a proportion."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval in the unit of the quantity it belongs to (a share, unless said otherwise)."""

    low: float
    high: float


def wilson(successes: int, total: int, *, confidence: float = 0.95) -> Interval:
    """Wilson score interval of `successes / total`.

    Chosen over the normal approximation because it stays inside [0, 1] and keeps its coverage for the small
    groups a benchmark is sliced into (8 rows of one language and criterion are common).

    Raises ValueError when the counts are not 0 <= successes <= total with total > 0.
    """
    if not 0 <= successes <= total or total == 0:
        raise ValueError(f"wilson interval: {successes} successes of {total} is not a proportion")
    from scipy.stats import binomtest

    interval = binomtest(successes, total).proportion_ci(confidence, method="wilson")
    # at the ends the formula is exactly 0 or 1; floating point misses it by an ulp
    low = 0.0 if successes == 0 else float(interval.low)
    high = 1.0 if successes == total else float(interval.high)
    return Interval(low, high)
