"""Calibration of margins and length bias, against numbers worked out by hand."""

import math

import numpy as np
import pytest

from themis_common.statistics import calibration, length_bias

NAN = float("nan")


def test_bins_hold_claimed_and_found_accuracy() -> None:
    chosen = np.array([3.0, 1.0, 0.0, 2.0, NAN])
    rejected = np.array([0.0, 1.0, 0.5, 0.0, 1.0])
    found = calibration(chosen, rejected, num_bins=2)
    assert found is not None
    small, large = found.bins

    def sigmoid(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    assert (small.pairs, large.pairs) == (2, 2)
    assert small.claimed == pytest.approx((0.5 + sigmoid(0.5)) / 2)
    assert small.correct == pytest.approx(0.25)  # a tie is half right, the other pair is wrong
    assert large.claimed == pytest.approx((sigmoid(2) + sigmoid(3)) / 2)
    assert large.correct == 1.0
    gaps = [abs(one.claimed - one.correct) for one in found.bins]
    assert found.error == pytest.approx(sum(gaps) / 2)
    assert found.log_loss == pytest.approx(-sum(math.log(sigmoid(m)) for m in (3.0, 0.0, -0.5, 2.0)) / 4)
    assert found.auc == 1.0  # both correct margins are larger than the wrong one


def test_auc_agrees_with_counting_couples() -> None:
    generator = np.random.default_rng(5)
    chosen, rejected = generator.integers(-3, 4, size=(2, 200)).astype(float)
    found = calibration(chosen, rejected)
    assert found is not None
    margin = chosen - rejected
    right, wrong = np.abs(margin[margin > 0]), np.abs(margin[margin < 0])
    couples = [(a > b) + (a == b) / 2 for a in right for b in wrong]
    assert found.auc == pytest.approx(sum(couples) / len(couples))


def test_a_model_that_means_what_it_says_is_calibrated() -> None:
    generator = np.random.default_rng(6)
    margin = generator.normal(scale=2, size=40_000)
    prefers_chosen = generator.random(len(margin)) < 1 / (1 + np.exp(-np.abs(margin)))
    signed = np.where(prefers_chosen, np.abs(margin), -np.abs(margin))
    honest = calibration(signed, np.zeros_like(signed))
    boasting = calibration(5 * signed, np.zeros_like(signed))
    assert honest is not None
    assert boasting is not None
    assert honest.error < 0.01
    assert boasting.error > 0.1
    assert boasting.auc == pytest.approx(honest.auc)


def test_without_scores_there_is_nothing_to_calibrate() -> None:
    assert calibration(np.array([NAN]), np.array([1.0])) is None
    one_sided = calibration(np.array([2.0, 3.0]), np.array([1.0, 1.0]))
    assert one_sided is not None
    assert one_sided.auc is None


def test_length_bias_of_a_model_that_counts_characters() -> None:
    extra = np.array([5, 3, -2, 0, -7])
    bias = length_bias(extra.astype(float), np.zeros(5), extra_length=extra)
    assert bias.prefers_longer == 1.0
    assert bias.longer_is_chosen == 0.5
    assert bias.chosen_longer is not None
    assert bias.chosen_shorter is not None
    assert (bias.chosen_longer.strict, bias.chosen_longer.total) == (1.0, 2)
    assert (bias.chosen_shorter.strict, bias.chosen_shorter.total) == (0.0, 2)


def test_length_bias_leaves_ties_and_missing_scores_out() -> None:
    bias = length_bias(np.array([1.0, NAN, 2.0]), np.array([1.0, 0.0, 3.0]), extra_length=np.array([1, 1, 1]))
    assert bias.prefers_longer == 0.0
    assert bias.chosen_shorter is None
    nothing = length_bias(np.array([1.0]), np.array([1.0]), extra_length=np.array([4]))
    assert nothing.prefers_longer is None
