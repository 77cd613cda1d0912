"""The learning rate of every step, and which weights decay."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from transformers.optimization import get_cosine_with_min_lr_schedule_with_warmup, get_wsd_schedule

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.optimizer import clip_gradients, learning_rate, make_optimizer

PT = {"learning_rate": 2e-5, "floor_ratio": 0.5}
SCRIPT = {
    "learning_rate": 2e-5,
    "floor_ratio": 0.5,
    "schedule": "warmup_stable_decay",
    "stable_ratio": 0.7,
    "warmup_from": "floor",
}


@pytest.mark.parametrize(
    ("options", "total", "expected"),
    [
        # 218 steps, 11 of them warm-up (facts/training.md section 1)
        (PT, 218, {0: 2e-5 / 11, 9: 2e-5 * 10 / 11, 10: 2e-5, 217: 1e-5}),
        # half-way down the cosine: 100 steps, 5 of them warm-up, so step 52.5 does not exist and 95 are symmetric
        (PT, 100, {4: 2e-5, 99: 1e-5}),
        (PT | {"warmup_ratio": 0.0}, 2, {0: 1.5e-5, 1: 1e-5}),
        # the script's warm-up starts at the floor; the peak lasts for 70 %
        (SCRIPT | {"warmup_ratio": 0.1}, 100, {4: 1.5e-5, 9: 2e-5, 10: 2e-5, 79: 2e-5, 89: 1.5e-5, 99: 1e-5}),
        (PT, 1, {0: 1e-5}),
    ],
)
def test_the_schedule_has_the_values_of_the_table(
    options: Mapping[str, Any], total: int, expected: Mapping[int, float]
) -> None:
    config = TrainRewardModelConfig(**options)
    for step, rate in expected.items():
        assert learning_rate(step, total, config) == pytest.approx(rate), step


def test_the_rate_rises_to_the_peak_and_then_never_rises() -> None:
    config = TrainRewardModelConfig(learning_rate=1e-5, floor_ratio=0.05)
    rates = [learning_rate(step, 692, config) for step in range(692)]
    top = rates.index(max(rates))
    assert top == 34
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == pytest.approx(5e-7)


@pytest.mark.parametrize(
    ("options", "schedule"),
    [
        (SCRIPT, partial(get_wsd_schedule, num_decay_steps=50, num_stable_steps=140, min_lr_ratio=0.5)),
        (PT, partial(get_cosine_with_min_lr_schedule_with_warmup, num_training_steps=200, min_lr_rate=0.5)),
    ],
    ids=["script", "paper"],
)
def test_the_schedule_is_that_of_transformers_one_step_on(
    options: Mapping[str, Any], schedule: Callable[..., LambdaLR]
) -> None:
    # transformers spends the first step at the start of the warm-up and never runs at the floor; ours ends there
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2e-5)
    theirs = schedule(optimizer, num_warmup_steps=10)
    config = TrainRewardModelConfig(**options)
    for step in range(200):
        optimizer.step()
        theirs.step()
        assert learning_rate(step, 200, config) == pytest.approx(theirs.get_last_lr()[0]), step


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.ones(2, 2))
        self.norm = nn.Parameter(torch.ones(2))


@pytest.mark.parametrize(("decay", "norm_after"), [("matrices", 1.0), ("all", 0.95)])
def test_norm_weights_decay_only_when_asked(decay: str, norm_after: float) -> None:
    network = Network()
    config = TrainRewardModelConfig(decay=decay, weight_decay=0.5, learning_rate=0.1)  # type: ignore[arg-type]
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    make_optimizer(network, config).step()
    assert network.matrix[0, 0].item() == pytest.approx(0.95)
    assert network.norm[0].item() == pytest.approx(norm_after)


@pytest.mark.parametrize(("limit", "after"), [(2.5, 2.5), (10.0, 5.0), (0.0, 5.0)])
def test_clipping_limits_the_total_norm_and_reports_the_one_before(limit: float, after: float) -> None:
    network = Network()
    network.matrix.grad = torch.tensor([[3.0, 0.0], [0.0, 0.0]])
    network.norm.grad = torch.tensor([0.0, 4.0])
    assert clip_gradients(network, limit).item() == pytest.approx(5.0)
    assert torch.nn.utils.get_total_norm([network.matrix.grad, network.norm.grad]).item() == pytest.approx(
        after, rel=1e-5
    )
