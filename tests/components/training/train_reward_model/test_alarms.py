"""When a run stops by itself, and when it does not."""

import math
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.training.train_reward_model.alarms import SpikeAlarm
from components.training.train_reward_model.job import Job
from components.training.train_reward_model.window import _sum
from themis_common.errors import UserError
from themis_common.store import open_store

MakeJob = Callable[..., Job]
Train = Callable[..., bool]


def curve(steps: int, pairs: int, floor: float, seed: int) -> list[float]:
    """Losses that fall from ln 2 plus a language-model term, with the noise of a batch of so many pairs."""
    generator = random.Random(seed)
    losses = []
    for step in range(steps):
        fallen = math.exp(-step / (steps / 4))
        mean = floor + (math.log(2) + 0.4 - floor) * fallen
        # the loss of a pair is spread like an exponential distribution once most pairs are ordered right
        noise = sum(generator.expovariate(1) for _ in range(pairs)) / pairs - 1
        losses.append(mean * (1 + noise))
    return losses


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("pairs", "steps"), [(1024, 218), (512, 692), (8, 1000)])
def test_ordinary_curves_of_pt_and_pm_and_of_small_batches_raise_no_alarm(
    pairs: int, steps: int, seed: int
) -> None:
    alarm = SpikeAlarm(10.0, 50)
    assert not any(alarm.is_spike(loss) for loss in curve(steps, pairs, 0.25, seed))


def test_a_jump_is_a_spike_and_does_not_become_what_is_usual() -> None:
    alarm = SpikeAlarm(10.0, 50)
    losses = curve(200, 512, 0.25, seed=1)
    assert not any(map(alarm.is_spike, losses))
    assert alarm.limit() == pytest.approx(sorted(losses[-50:])[25] + 1, abs=0.2)
    assert [alarm.is_spike(loss) for loss in (2.5, 2.5, 0.4)] == [True, True, False]


def test_nothing_is_unusual_at_the_start_or_when_switched_off() -> None:
    assert not any(map(SpikeAlarm(10.0, 50).is_spike, [0.7] * 19 + [90.0]))
    assert not any(map(SpikeAlarm(0.0, 50).is_spike, [0.7] * 60 + [90.0]))


def test_a_sum_that_has_no_value_is_not_finite() -> None:
    assert math.isnan(_sum([math.inf, -math.inf]))
    assert _sum([0.1] * 10) == 1.0


def test_a_poisoned_row_is_named_and_the_checkpoint_before_can_be_gone_on_from(
    make_job: MakeJob, train: Train, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    many = [{**rows[number % 24], "row_key": f"{number:032x}", "split": "train"} for number in range(48)]
    options = {"global_batch": 4, "epochs": 40, "learning_rate": 1e-2, "lm_weight": 0.0, "save_every": 20}
    # chosen and rejected in the wrong order, which costs the more the better the rest is learnt
    poisoned = many[7]
    poisoned["chosen_ids"], poisoned["rejected_ids"] = poisoned["rejected_ids"], poisoned["chosen_ids"]
    job = make_job(rows=many, evaluate_every=0, **options)
    with pytest.raises(UserError, match=r"step \d+: loss .* is a spike .*costliest rows are 0{31}7, "):
        train(job)
    kept = sorted({path.partition("/")[0] for path in open_store(job.checkpoints).list("step-")})
    assert kept

    calm = make_job(rows=many, evaluate_every=0, spike_factor=0.0, **options)
    shutil.copytree(job.checkpoints, calm.checkpoints, dirs_exist_ok=True)
    assert not train(calm, stop_after=3)
