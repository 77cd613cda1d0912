"""Confidence interval of a proportion."""

import math
from dataclasses import dataclass
from statistics import NormalDist


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
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / total
    denominator = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / denominator
    half_width = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / denominator
    # At the ends the formula is exactly 0 or 1; floating point misses it by an ulp.
    low = 0.0 if successes == 0 else centre - half_width
    high = 1.0 if successes == total else centre + half_width
    return Interval(low, high)
