"""Holm's correction against worked examples, and ranks that only significant differences order."""

import numpy as np
import pytest

from themis_common.statistics import RankRange, exact_mcnemar, holm, rank_ranges


def test_holm_by_hand() -> None:
    # sorted: .01*4, .02*3, .03*2 (below the one before: raised to it), .5*1
    assert holm([0.03, 0.01, 0.5, 0.02]) == pytest.approx([0.06, 0.04, 0.5, 0.06])
    assert holm([0.4, 0.9]) == pytest.approx([0.8, 0.9])
    assert holm([0.7, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def test_exact_mcnemar_is_the_binomial_tail() -> None:
    from scipy.stats import binomtest

    for wins, losses in [(0, 5), (3, 9), (40, 61), (700, 812), (4, 4), (0, 0)]:
        expected = binomtest(wins, wins + losses, 0.5).pvalue if wins + losses else 1.0
        assert exact_mcnemar(wins, losses) == pytest.approx(expected, rel=1e-9)


def test_a_rank_range_holds_every_rank_that_is_not_ruled_out() -> None:
    best = np.array([1.0] * 40)
    good = np.array([1.0] * 20 + [0.0] * 20)
    alike = np.array([1.0] * 19 + [0.0] * 20 + [1.0])
    worst = np.array([0.0] * 40)
    ranges = rank_ranges(np.stack([good, worst, best, alike]))
    assert ranges == [RankRange(2, 3), RankRange(4, 4), RankRange(1, 1), RankRange(2, 3)]


def test_one_model_ranks_first() -> None:
    assert rank_ranges(np.array([[1.0, 0.0]])) == [RankRange(1, 1)]


def test_the_correction_counts_all_pairs_of_models() -> None:
    # 6 problems against 0: p = 1/32 alone, but 3/32 among the three pairs of three models.
    strong, weak = np.array([1.0] * 6), np.array([0.0] * 6)
    assert rank_ranges(np.stack([strong, weak])) == [RankRange(1, 1), RankRange(2, 2)]
    three = rank_ranges(np.stack([strong, weak, np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0])]))
    assert three == [RankRange(1, 3)] * 3
