"""The learning rate of every step, and which weights decay."""

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn
from transformers.optimization import get_cosine_with_min_lr_schedule_with_warmup, get_wsd_schedule

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.optimizer import clip_gradients, make_optimizer
from components.training.train_reward_model.schedule import learning_rate, schedule_length
from pipelines.settings import resolve
from themis_common.config import load_config

PT: dict[str, Any] = {"learning_rate": 2e-5, "floor_ratio": 0.5}
SCRIPT: dict[str, Any] = {
    "learning_rate": 2e-5,
    "floor_ratio": 0.5,
    "schedule": "warmup_stable_decay",
    "stable_ratio": 0.7,
    "warmup_from": "floor",
}


@pytest.mark.parametrize(
    ("options", "length", "expected"),
    [
        # 218 steps, 11 of them warm-up (facts/training.md section 1)
        (PT, 218, {0: 2e-5 / 11, 9: 2e-5 * 10 / 11, 10: 2e-5, 217: 1e-5}),
        # half-way down the cosine: 100 steps, 5 of them warm-up, so step 52.5 does not exist and 95 are symmetric
        (PT, 100, {4: 2e-5, 99: 1e-5}),
        (PT | {"warmup_ratio": 0.0}, 2, {0: 1.5e-5, 1: 1e-5}),
        # the script's warm-up starts at the floor, with the first step; the peak lasts for 70 %
        (
            SCRIPT | {"warmup_ratio": 0.1},
            100,
            {0: 1e-5, 5: 1.5e-5, 10: 2e-5, 80: 2e-5, 90: 1.5e-5, 100: 1e-5},
        ),
        # four schedule steps to a step; the third one starts past the end
        (SCRIPT | {"warmup_ratio": 0.2, "schedule_processes": 4}, 10, {0: 1e-5, 1: 2e-5, 2: 2e-5, 3: 1e-5}),
        (SCRIPT | {"warmup_ratio": 0.0, "stable_ratio": 1.0}, 3, {0: 2e-5, 2: 2e-5}),
        (PT, 1, {0: 1e-5}),
    ],
)
def test_the_schedule_has_the_values_of_the_table(
    options: Mapping[str, Any], length: int, expected: Mapping[int, float]
) -> None:
    config = TrainRewardModelConfig(**options)
    for step, rate in expected.items():
        assert learning_rate(step, length, config) == pytest.approx(rate), step


def test_the_rate_rises_to_the_peak_and_then_never_rises() -> None:
    config = TrainRewardModelConfig(learning_rate=1e-5, floor_ratio=0.05)
    assert schedule_length(354_010, config) == 692
    rates = [learning_rate(step, 692, config) for step in range(692)]
    top = rates.index(max(rates))
    assert top == 34
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] == pytest.approx(5e-7)


def test_the_script_preset_has_the_rates_of_the_published_launch() -> None:
    # facts/training.md sections 1, 6 and 7: rows, pairs per device, accumulation, GPUs, epochs of the launch file
    rows, batch, accumulation, gpus, epochs = 110_717, 4, 4, 64, 2
    peak, floor_ratio, warmup_ratio, stable_ratio = 2e-5, 0.5, 0.05, 0.70
    # what the script counts before its loader is dealt out to the processes, and the updates that they then make
    length = epochs * (math.ceil(rows / batch) // accumulation)
    updates = epochs * math.ceil(math.ceil(math.ceil(rows / batch) / gpus) / accumulation)
    warmup, stable = int(warmup_ratio * length), int(stable_ratio * length)
    optimizer = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=peak)
    scheduler = get_wsd_schedule(
        optimizer,
        num_warmup_steps=warmup,
        num_stable_steps=stable,
        num_decay_steps=length - warmup - stable,
        min_lr_ratio=floor_ratio,
    )
    theirs = []
    for _ in range(updates):
        theirs.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        # accelerate steps a scheduler that it has prepared once for each process
        for _ in range(gpus):
            scheduler.step()

    section = resolve("training", "14b-pt,script").tasks["train_general"]
    config = load_config(
        TrainRewardModelConfig, {name: value.value for name, value in section.items()}, where="14b-pt,script"
    )
    ours = [learning_rate(step, schedule_length(rows, config), config) for step in range(updates)]
    assert (theirs[0], theirs[-1]) == (pytest.approx(1e-5), pytest.approx(1e-5))
    assert ours[:5] == pytest.approx(theirs[:5], rel=1e-12)
    assert ours[-3:] == pytest.approx(theirs[-3:], rel=1e-12)
    assert ours == pytest.approx(theirs, rel=1e-12)


def test_the_paper_schedule_is_that_of_transformers_one_step_on() -> None:
    # transformers spends the first step at a rate of zero and never runs at the floor; ours ends there
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=2e-5)
    theirs = get_cosine_with_min_lr_schedule_with_warmup(
        optimizer, num_warmup_steps=10, num_training_steps=200, min_lr_rate=0.5
    )
    config = TrainRewardModelConfig(**PT)
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
