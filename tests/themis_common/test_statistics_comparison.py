"""Intervals and the paired comparison of two models."""

import time

import numpy as np
import pytest

from themis_common.statistics import paired_difference, wilson


def test_wilson_matches_published_values() -> None:
    # Newcombe (1998), table I: 81/263 and 0/20 at 95 %.
    interval = wilson(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)
    none_of_twenty = wilson(0, 20)
    assert (round(none_of_twenty.low, 4), round(none_of_twenty.high, 4)) == (0.0, 0.1611)
    assert wilson(20, 20).high == 1.0


@pytest.mark.parametrize(("successes", "total"), [(1, 0), (3, 2), (-1, 2)])
def test_wilson_refuses_what_is_no_proportion(successes: int, total: int) -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        wilson(successes, total)


def _credits(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    first = (generator.random(count) < 0.7).astype(float)
    second = np.where(generator.random(count) < 0.8, first, 1 - first)
    return first, second


def test_interval_is_that_of_drawing_clusters_one_by_one() -> None:
    first, second = _credits(600, seed=5)
    sizes = np.tile([1, 2, 3], 100)
    cluster_of_row = np.repeat(np.arange(300), sizes)
    found = paired_difference(first, second, [f"c{i}" for i in cluster_of_row], seed=1, resamples=20_000)

    gain = np.bincount(cluster_of_row, weights=first - second)
    draws = np.random.default_rng(2).integers(0, 300, size=(20_000, 300))
    estimates = gain[draws].sum(axis=1) / sizes[draws].sum(axis=1)
    assert [found.interval.low, found.interval.high] == pytest.approx(
        np.quantile(estimates, [0.025, 0.975]), abs=2e-3
    )
    assert found.estimate == pytest.approx(first.mean() - second.mean())


def test_correlated_rows_widen_the_interval() -> None:
    first, second = _credits(200, seed=6)
    first, second = np.repeat(first, 5), np.repeat(second, 5)
    alone = paired_difference(first, second, [str(i) for i in range(1000)], seed=0)
    together = paired_difference(first, second, [str(i // 5) for i in range(1000)], seed=0)
    width = alone.interval.high - alone.interval.low
    assert together.interval.high - together.interval.low == pytest.approx(width * 5**0.5, rel=0.1)


def test_same_seed_same_result_and_swapping_negates() -> None:
    first, second = _credits(300, seed=7)
    clusters = [str(i) for i in range(300)]
    forward = paired_difference(first, second, clusters, seed=9)
    assert paired_difference(first, second, clusters, seed=9) == forward
    backward = paired_difference(second, first, clusters, seed=9)
    assert backward.estimate == -forward.estimate
    assert (backward.first_only, backward.second_only) == (forward.second_only, forward.first_only)
    assert backward.p_value == forward.p_value


def test_exact_mcnemar() -> None:
    # 1 pair only the first gets right, 5 only the second: 2 * (1 + 6) / 2^6.
    first = np.array([1, 0, 0, 0, 0, 0, 1, 1], dtype=float)
    second = np.array([0, 1, 1, 1, 1, 1, 1, 1], dtype=float)
    clusters = [str(i) for i in range(8)]
    assert paired_difference(first, second, clusters, seed=0).p_value == pytest.approx(14 / 64)
    assert paired_difference(first, first, clusters, seed=0).p_value == 1.0


def test_whole_benchmark_in_well_under_two_seconds() -> None:
    first, second = _credits(8866, seed=8)
    began = time.perf_counter()
    paired_difference(first, second, [str(i) for i in range(8866)], seed=0, resamples=10_000)
    assert time.perf_counter() - began < 2


def test_rows_must_be_the_same() -> None:
    with pytest.raises(ValueError, match="equally many pairs"):
        paired_difference(np.ones(2), np.ones(3), ["a", "b"], seed=0)
