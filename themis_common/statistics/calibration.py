"""Whether a larger margin means a surer preference.

Two views. One needs no scale and suits any scorer: are pairs with large margins right more often than pairs with small
ones? The other takes the Bradley-Terry model at its word: the sigmoid of the margin is the probability that the chosen
response is preferred, and should match how often it is.
"""

import math
from dataclasses import dataclass

import numpy as np

from themis_common.statistics.accuracy import FloatArray


@dataclass(frozen=True, slots=True)
class MarginBin:
    """Scored pairs with similar absolute margins: how sure the model claims to be, and how often it is right."""

    pairs: int
    claimed: float
    correct: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """Calibration of the margins of one model.

    Attributes:
        bins: equally many pairs each, from the smallest absolute margins to the largest.
        auc: probability that a correct pair has a larger absolute margin than a wrong one (a tie of margins
            counts half); None without pairs of both kinds.
        error: mean absolute gap between claimed and found accuracy over the bins, weighted by pairs (expected
            calibration error).
        log_loss: mean of -log sigmoid(margin), the Bradley-Terry loss in nats.
    """

    bins: tuple[MarginBin, ...]
    auc: float | None
    error: float
    log_loss: float


def calibration(chosen: FloatArray, rejected: FloatArray, *, num_bins: int = 10) -> Calibration | None:
    """Calibration over the pairs with both scores, or None where there is none.

    `chosen` and `rejected` are float64 (n,), NaN where a score is missing. A tie claims one half and is half right.
    """
    margin = chosen - rejected
    margin = np.sort(margin[~np.isnan(margin)])
    if not len(margin):
        return None
    size = np.abs(margin)
    order = np.argsort(size, kind="stable")
    size = size[order]
    right = np.where(margin > 0, 1.0, np.where(margin == 0, 0.5, 0.0))[order]
    claimed = 1 / (1 + np.exp(-size))
    bins = tuple(
        MarginBin(len(part), math.fsum(claimed[part]) / len(part), math.fsum(right[part]) / len(part))
        for part in np.array_split(np.arange(len(size)), num_bins)
        if len(part)
    )
    return Calibration(
        bins=bins,
        auc=_auc(size[right == 1], size[right == 0]),
        error=math.fsum(one.pairs * abs(one.claimed - one.correct) for one in bins) / len(size),
        log_loss=math.fsum(np.logaddexp(0, -margin)) / len(margin),
    )


def _auc(larger: FloatArray, smaller: FloatArray) -> float | None:
    """Mann-Whitney: share of (larger, smaller) couples in the expected order, equals half. Both are sorted."""
    if not len(larger) or not len(smaller):
        return None
    below = np.searchsorted(smaller, larger, side="left")
    upto = np.searchsorted(smaller, larger, side="right")
    return float(below.sum() + upto.sum()) / (2 * len(larger) * len(smaller))
