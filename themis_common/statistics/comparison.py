"""The paired comparison of two models on the same pairs.

The bootstrap resamples *clusters* of pairs (pairs that share a prompt are not independent). Resampling
m clusters with replacement only ever needs to know how many draws fall on clusters that look alike, so the
draws are made from the multinomial distribution over the distinct (credit difference, size) profiles: the same
distribution as drawing clusters one by one, at a cost that does not grow with the number of pairs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from themis_common.statistics.accuracy import FloatArray
from themis_common.statistics.intervals import Interval


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Accuracy of the first model minus accuracy of the second, as shares in [-1, 1].

    `p_value` is the exact two-sided McNemar test over single pairs: how surprising the split of the pairs that
    only one of the two models gets right would be, were both equally good.
    """

    estimate: float
    interval: Interval
    first_only: int
    second_only: int
    p_value: float


def paired_difference(
    first: FloatArray,
    second: FloatArray,
    clusters: Sequence[str],
    *,
    seed: int,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> Difference:
    """Compare two models row by row.

    `first` and `second` are float64 (n,) credits in [0, 1] of the same pairs in the same order, `clusters` names
    the cluster of each pair. The interval is the percentile bootstrap over clusters, deterministic in `seed`.

    Raises ValueError when the lengths differ or there are no pairs.
    """
    if not len(first) == len(second) == len(clusters) or len(first) == 0:
        raise ValueError(
            f"paired difference needs equally many pairs on all sides, found {len(first)}, {len(second)} and "
            f"{len(clusters)} clusters"
        )
    gain = first - second
    _, cluster_of_row = np.unique(np.asarray(clusters, dtype=object), return_inverse=True)
    profile = np.stack([np.bincount(cluster_of_row, weights=gain), np.bincount(cluster_of_row)], axis=1)
    distinct, multiplicity = np.unique(profile, axis=0, return_counts=True)
    num_clusters = len(profile)
    draws = np.random.Generator(np.random.PCG64(seed)).multinomial(
        num_clusters, multiplicity / num_clusters, size=resamples
    )
    estimates = (draws @ distinct[:, 0]) / (draws @ distinct[:, 1])
    tail = (1 - confidence) / 2
    low, high = np.quantile(estimates, [tail, 1 - tail])
    first_only = int(np.count_nonzero(gain > 0))
    second_only = int(np.count_nonzero(gain < 0))
    return Difference(
        estimate=math.fsum(gain.tolist()) / len(gain),
        interval=Interval(float(low), float(high)),
        first_only=first_only,
        second_only=second_only,
        p_value=exact_mcnemar(first_only, second_only),
    )


def exact_mcnemar(first_only: int, second_only: int) -> float:
    """Two-sided p-value of McNemar's test, which is the binomial test at one half.

    `first_only` and `second_only` count the pairs that only one of two models gets right.
    """
    from scipy.stats import binomtest

    discordant = first_only + second_only
    return float(binomtest(first_only, discordant).pvalue) if discordant else 1.0
