"""The effective number of pairs, by hand and by simulation."""

import numpy as np
import pytest

from components.evaluation.summarise.clusters import effective_pairs


def test_pairs_that_stand_alone_count_one_by_one() -> None:
    assert effective_pairs(np.array([1.0, 0.0, 1.0, 1.0]), ["a", "b", "c", "d"]) == 4


def test_copies_count_once() -> None:
    assert effective_pairs(np.repeat([1.0, 0.0, 1.0, 0.0], 5), [f"c{i // 5}" for i in range(20)]) == 4


@pytest.mark.parametrize("credit", [np.ones(6), np.array([1.0, 0.0, 1.0, 0.0, 1.0, 0.0])])
def test_without_variance_between_clusters_each_counts_once(credit: np.ndarray) -> None:
    assert effective_pairs(credit, ["a", "a", "b", "b", "c", "c"]) == 3
    assert effective_pairs(credit, ["a"] * 6) == 1


def test_pairs_of_a_cluster_that_agree_in_part_lie_between() -> None:
    # A pair copies its cluster with probability 0.6: intra-cluster correlation 0.36, design effect 1 + 7 * 0.36.
    random = np.random.default_rng(5)
    clusters = np.repeat(np.arange(4000), 8)
    own, common = random.random(32000) < 0.5, (random.random(4000) < 0.5)[clusters]
    credit = np.where(random.random(32000) < 0.6, common, own).astype(float)
    assert effective_pairs(credit, [str(one) for one in clusters]) == pytest.approx(32000 / 3.52, rel=0.03)
