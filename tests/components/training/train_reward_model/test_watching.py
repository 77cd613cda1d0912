"""Looking at a run: only when it is due, without an effect on the result, and wherever the curves are wanted."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from components.training.train_reward_model.dealing import PairCost
from components.training.train_reward_model.evaluate import histogram
from components.training.train_reward_model.job import SPEED, Job
from components.training.train_reward_model.parallel import Ranks
from components.training.train_reward_model.speed import Speed, peak_flops
from components.training.train_reward_model.trackers import LINES, Trackers
from components.training.train_reward_model.window import Window
from tests.benchmarks.length_sets import PairLengths, token_pairs
from tests.components.training.train_reward_model.outputs import metrics, outputs
from themis_common.errors import UserError

MakeJob = Callable[..., Job]
Train = Callable[..., bool]
CPU = torch.device("cpu")


def lines(job: Job) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (job.log / LINES).read_text().splitlines()]


def test_how_often_one_looks_changes_nothing_but_when_lines_come(make_job: MakeJob, train: Train) -> None:
    often, seldom = make_job(log_every=1), make_job(log_every=100)
    train(often)
    train(seldom)
    assert outputs(often) == outputs(seldom)
    # at checkpoints and evaluations it is due in any case
    assert [row["step"] for row in lines(often) if "speed/seconds_per_step" in row] == [1, 2, 3, 4, 5, 6]
    assert [row["step"] for row in lines(seldom) if "speed/seconds_per_step" in row] == [2, 3, 4, 6]
    assert [row["step"] for row in lines(seldom) if "loss/total" in row] == [1, 2, 3, 4, 5, 6]


def test_between_looks_nothing_is_asked_of_the_device(
    make_job: MakeJob, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    for name in ("item", "tolist", "cpu", "numpy", "__bool__", "__float__", "__int__"):
        monkeypatch.setattr(Tensor, name, _noted(log, name, getattr(Tensor, name), only=_is_computed))
    monkeypatch.setattr(Window, "look", _noted(log, "look", Window.look, alone=True))
    # on a CPU, AdamW reads its own step counter; the fused one on a GPU does not
    monkeypatch.setattr(torch.optim.AdamW, "step", _noted(log, "step", torch.optim.AdamW.step, alone=True))
    job = make_job(epochs=8, save_every=100, evaluate_every=0, log_every=6)
    train(job)
    first, last = log.index("step"), len(log) - log[::-1].index("step")
    assert log[first:last].count("step") == 24
    assert log[first:last] == [*["step"] * 5, "look", *(["step"] * 6 + ["look"]) * 3, "step"]


def _noted(
    log: list[str],
    name: str,
    call: Callable[..., Any],
    alone: bool = False,
    only: Callable[[Any], bool] = lambda subject: True,
) -> Callable[..., Any]:
    """`call`, noted in `log` where `only` says so; what an `alone` one calls in turn is not."""

    def noted(*arguments: Any, **named: Any) -> Any:
        length = len(log)
        found = call(*arguments, **named)
        if alone:
            del log[length:]
        if only(arguments[0]):
            log.append(name)
        return found

    return noted


def _is_computed(tensor: Tensor) -> bool:
    """Layouts are integers, which the host has made itself and the attention of a CPU reads."""
    return tensor.is_floating_point()


def test_curves_go_to_tensorboard_and_offline_to_wandb(
    make_job: MakeJob, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_SILENT", "true")
    job = make_job(trackers=("tensorboard", "wandb"))
    train(job)
    board = EventAccumulator(str(job.log / "tensorboard")).Reload()
    drawn = [(point.step, point.value) for point in board.Scalars("loss/total")]
    assert [value for _, value in drawn] == pytest.approx(metrics(job, "loss/total"))
    assert [step for step, _ in drawn] == [1, 2, 3, 4, 5, 6]
    assert "held_out/accuracy/Runtime_Efficiency" in board.Tags()["scalars"]
    (kept,) = (job.log / "wandb").glob("offline-run-*")
    assert list(kept.glob("*.wandb"))


def test_a_missing_tracker_is_one_line_that_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match=r"trackers has absent_one, which is not installed: .*themis\[trackers\]"
    ):
        Trackers(tmp_path, ["absent_one"], {}, CPU, print)


def test_speed_leaves_out_pauses_and_is_measured_against_the_limit() -> None:
    now = [0.0]
    ranks = Ranks(rank=0, world=2, device=CPU)
    cost = PairCost(per_token=10.0, per_attended=0.0, per_label=0.0)
    speed = Speed(cost, ranks, peak_flops(1e-9, CPU, "float32"), lambda: now[0])
    batch = token_pairs([PairLengths(prompt=10, chosen=5, rejected=5)] * 3, 1000, seed=1)
    now[0] = 2.0
    speed.add(batch)
    speed.pause()
    now[0] = 50.0
    speed.go_on()
    now[0] = 52.0
    speed.add(batch)
    values = {row.metric: row.value for row in speed.look(7)}
    assert values == {
        "speed/seconds_per_step": 2.0,
        "speed/pairs_per_second": 1.5,
        "speed/tokens_per_second": 30.0,
        # 120 tokens of 10 FLOPs, three times, in 4 seconds on 2 devices of 1,000 FLOP/s
        "speed/fraction_of_limit": pytest.approx(120 * 10 * 3 / (4 * 2 * 1000)),
    }
    now[0] = 53.0
    speed.add(batch)
    assert speed.look(8)[0].value == 1.0


def test_there_is_no_limit_where_none_is_known() -> None:
    assert peak_flops(0.0, CPU, "bfloat16") is None


def test_how_fast_it_went_is_kept_over_a_restart(make_job: MakeJob, train: Train) -> None:
    job = make_job(log_every=1)
    train(job, stop_after=3)
    train(job)
    rows = [json.loads(line) for line in (job.output / SPEED).read_text().splitlines()]
    assert [row["step"] for row in rows if row["metric"] == "speed/seconds_per_step"] == [1, 2, 3, 4, 5, 6]


def test_a_histogram_counts_every_reward_once() -> None:
    rewards = [(0.3, -0.3), (1.3, 0.3), (2.5, -0.9)]
    assert list(histogram(rewards)) == [
        ("chosen", "0.2..0.4", 1),
        ("chosen", "1.2..1.4", 1),
        ("chosen", "2.4..2.6", 1),
        ("rejected", "-1..-0.8", 1),
        ("rejected", "-0.4..-0.2", 1),
        ("rejected", "0.2..0.4", 1),
    ]
    assert list(histogram([(0.0, 0.0)] * 4)) == [("chosen", "0..1", 4), ("rejected", "0..1", 4)]
    assert list(histogram([(float("nan"), float("inf"))])) == []


def test_evaluation_says_where_rewards_lie(make_job: MakeJob, train: Train) -> None:
    job = make_job()
    train(job)
    last = [row for row in lines(job) if "held_out/accuracy" in row][-1]
    for side in ("chosen", "rejected"):
        counts = [value for name, value in last.items() if name.startswith(f"histogram/{side}/")]
        assert sum(counts) == last["held_out/pairs"] == 4
