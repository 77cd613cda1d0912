"""How many independent pairs a set of correlated pairs is worth.

Pairs made of one problem are right or wrong together. An interval that counts them one by one is too narrow; one that
counts problems only is too wide where they are not copies of each other. What lies between is the effective sample
size: the number of independent pairs whose mean would vary as much as that of the clusters does.
"""

from collections.abc import Sequence

import numpy as np

from themis_common.statistics.accuracy import FloatArray


def effective_pairs(credit: FloatArray, clusters: Sequence[str]) -> int:
    """Number of pairs over the design effect, kept between the number of clusters and the number of pairs.

    `credit` is float64 (n,) with n > 0, `clusters` names the cluster of each pair. The variance of the mean is the
    cluster-robust one. Where it is 0 or cannot be estimated, every cluster counts as one pair.
    """
    sums, sizes = cluster_sums(credit, clusters)
    num_clusters, mean = len(sizes), float(credit.mean())
    residuals = sums - mean * sizes
    squares = float(residuals @ residuals)
    if num_clusters == 1 or squares == 0:
        return num_clusters
    variance = num_clusters / (num_clusters - 1) * squares / len(credit) ** 2
    return round(min(max(mean * (1 - mean) / variance, num_clusters), len(credit)))


def cluster_sums(values: FloatArray, clusters: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Sum of the values and number of pairs of each cluster, float64 (clusters,), clusters in the order of names."""
    _, cluster_of_pair = np.unique(np.asarray(clusters, dtype=object), return_inverse=True)
    sums = np.bincount(cluster_of_pair, weights=values).astype(np.float64)
    return sums, np.bincount(cluster_of_pair).astype(np.float64)
