"""The loss terms against closed forms and against full logits."""

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_expit
from torch import Tensor

from themis_common.modeling.losses import (
    MagnitudeForm,
    bradley_terry_sum,
    linear_cross_entropy_sum,
    magnitude_sum,
)

CHOSEN = [1.5, -0.3, 2.0, -4.0]
REJECTED = [0.5, 0.7, -1.0, -3.0]


def rewards() -> tuple[Tensor, Tensor]:
    return (
        torch.tensor(CHOSEN, dtype=torch.float64, requires_grad=True),
        torch.tensor(REJECTED, dtype=torch.float64, requires_grad=True),
    )


def test_bradley_terry_has_its_closed_form_gradient() -> None:
    chosen, rejected = rewards()
    bradley_terry_sum(chosen, rejected).backward()
    expected = -torch.sigmoid(rejected - chosen)
    torch.testing.assert_close(chosen.grad, expected.detach())
    torch.testing.assert_close(rejected.grad, -expected.detach())


def test_a_margin_is_what_chosen_must_exceed_rejected_by() -> None:
    chosen, rejected = rewards()
    margins = torch.tensor([0.0, 1.0, 3.0, 0.5], dtype=torch.float64)
    bradley_terry_sum(chosen, rejected, margins).backward()
    torch.testing.assert_close(chosen.grad, -torch.sigmoid(rejected + margins - chosen).detach())
    torch.testing.assert_close(
        bradley_terry_sum(chosen, rejected, 2.0), bradley_terry_sum(chosen - 2, rejected)
    )


def test_bradley_terry_stays_finite_for_extreme_margins() -> None:
    wide = torch.tensor([300.0, -300.0])
    assert bradley_terry_sum(wide, -wide).item() == pytest.approx(600.0)


def test_absolute_magnitude_has_its_closed_form_gradient() -> None:
    chosen, rejected = rewards()
    magnitude_sum(chosen, rejected, "absolute").backward()
    size = chosen.abs() + rejected.abs()
    torch.testing.assert_close(chosen.grad, (2 * size * chosen.sign()).detach())
    torch.testing.assert_close(rejected.grad, (2 * size * rejected.sign()).detach())


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        # (1.5 + 0.5)^2 + (-0.3 + 0.7)^2 + (2 - 1)^2 + (-4 - 3)^2
        ("centre", 4 + 0.16 + 1 + 49),
        # straddling pairs count their margin: (0.3 + 0.7)^2 and (2 + 1)^2
        ("absolute", 4 + 1 + 9 + 49),
    ],
)
def test_magnitude_by_hand(form: MagnitudeForm, expected: float) -> None:
    chosen, rejected = rewards()
    assert magnitude_sum(chosen, rejected, form).item() == pytest.approx(expected)


def test_a_shift_of_both_rewards_changes_the_magnitude_term_alone() -> None:
    chosen, rejected = rewards()
    torch.testing.assert_close(
        bradley_terry_sum(chosen + 3, rejected + 3), bradley_terry_sum(chosen, rejected)
    )
    assert magnitude_sum(chosen + 3, rejected + 3, "centre") > magnitude_sum(chosen, rejected, "centre") + 1


@pytest.mark.parametrize("chunk_rows", [1, 7, 64])
def test_chunked_cross_entropy_equals_full_logits(chunk_rows: int) -> None:
    generator = torch.Generator().manual_seed(3)
    hidden = torch.randn(20, 16, generator=generator, requires_grad=True)
    weight = torch.randn(50, 16, generator=generator, requires_grad=True)
    labels = torch.randint(0, 50, (20,), generator=generator)

    (0.3 * linear_cross_entropy_sum(hidden, weight, labels, chunk_rows)).backward()
    got = hidden.grad, weight.grad
    hidden.grad = weight.grad = None
    full = torch.nn.functional.cross_entropy(hidden @ weight.T, labels, reduction="sum")
    (0.3 * full).backward()

    torch.testing.assert_close(linear_cross_entropy_sum(hidden, weight, labels, chunk_rows), full)
    torch.testing.assert_close(got[0], hidden.grad, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(got[1], weight.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.skipif(
    not hasattr(torch.nn.functional, "linear_cross_entropy"), reason="torch has none before 2.13"
)
def test_chunked_cross_entropy_equals_that_of_torch() -> None:
    generator = torch.Generator().manual_seed(4)
    hidden = torch.randn(20, 16, generator=generator, requires_grad=True)
    weight = torch.randn(50, 16, generator=generator, requires_grad=True)
    labels = torch.randint(0, 50, (20,), generator=generator)
    ours = linear_cross_entropy_sum(hidden, weight, labels, chunk_rows=7)
    theirs = torch.nn.functional.linear_cross_entropy(hidden, weight, labels, reduction="sum")
    torch.testing.assert_close(ours, theirs)
    for mine, wanted in zip(
        torch.autograd.grad(ours, (hidden, weight)),
        torch.autograd.grad(theirs, (hidden, weight)),
        strict=True,
    ):
        torch.testing.assert_close(mine, wanted, rtol=1e-5, atol=1e-6)


def test_bfloat16_cross_entropy_accumulates_its_weight_gradient_in_float32() -> None:
    # 512 equal rows: summing their gradients in bfloat16 would stop growing at 256 times one of them
    hidden = torch.ones(512, 1, dtype=torch.bfloat16, requires_grad=True)
    weight = torch.zeros(2, 1, dtype=torch.bfloat16, requires_grad=True)
    loss = linear_cross_entropy_sum(hidden, weight, torch.zeros(512, dtype=torch.int64), chunk_rows=1)
    loss.backward()
    assert loss.dtype == torch.float32
    assert weight.grad is not None
    assert weight.grad[0].item() == -256.0


def test_no_labelled_rows_cost_nothing() -> None:
    hidden = torch.zeros(0, 4, requires_grad=True)
    weight = torch.ones(3, 4, requires_grad=True)
    loss = linear_cross_entropy_sum(hidden, weight, torch.zeros(0, dtype=torch.int64))
    loss.backward()
    assert loss.item() == 0
    assert weight.grad is not None
    assert not weight.grad.any()


def test_fitted_rewards_of_three_items_are_the_log_odds_of_their_wins() -> None:
    # a beats b 3:1 and b beats c 2:1, so at the optimum a - b = ln 3 and b - c = ln 2
    wins = [(0, 1)] * 3 + [(1, 0)] + [(1, 2)] * 2 + [(2, 1)]
    chosen, rejected = torch.tensor(wins).T
    rewards = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([rewards], max_iter=50, tolerance_grad=1e-10)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = bradley_terry_sum(rewards[chosen], rewards[rejected])
        loss.backward()
        return loss

    optimizer.step(closure)
    assert (rewards[0] - rewards[1]).item() == pytest.approx(math.log(3), abs=1e-5)
    assert (rewards[1] - rewards[2]).item() == pytest.approx(math.log(2), abs=1e-5)


def test_a_head_on_frozen_hidden_states_converges_to_the_logistic_regression_of_scipy() -> None:
    generator = np.random.default_rng(6)
    chosen, rejected = generator.normal(size=(2, 60, 5)) + np.array([0.4, 0.0])[:, None, None]
    head = torch.nn.Linear(5, 1, bias=False, dtype=torch.float64)
    optimizer = torch.optim.LBFGS(
        head.parameters(), max_iter=100, tolerance_grad=1e-12, tolerance_change=1e-14
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        scores = [head(torch.from_numpy(side)).squeeze(1) for side in (chosen, rejected)]
        loss = bradley_terry_sum(scores[0], scores[1]) + 0.05 * magnitude_sum(scores[0], scores[1], "centre")
        loss.backward()
        return loss

    def negative_log_likelihood(weight: NDArray[np.float64]) -> float:
        centring = 0.05 * np.square((chosen + rejected) @ weight).sum()
        return float(-log_expit((chosen - rejected) @ weight).sum() + centring)

    optimizer.step(closure)
    optimum = minimize(negative_log_likelihood, np.zeros(5), tol=1e-12)
    np.testing.assert_allclose(head.weight.detach().numpy()[0], optimum.x, atol=1e-5)
    assert negative_log_likelihood(head.weight.detach().numpy()[0]) <= optimum.fun + 1e-9
