"""The training loop on one rank in this process: what it computes, and that a restart changes no byte."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from components.training.train_reward_model.job import MODEL, Job
from components.training.train_reward_model.pair_file import PairFile
from components.training.train_reward_model.sampler import DataState, PairSampler
from tests.components.training.train_reward_model.outputs import metrics, outputs
from themis_common.errors import UserError
from themis_common.modeling.losses import bradley_terry_sum
from themis_common.modeling.model import RewardModel, read_model_config
from themis_common.modeling.packing import pack_pairs
from themis_common.modeling.weights import REWARD_HEAD, REWARD_HEAD_FILE, load_weights

MakeJob = Callable[..., Job]
Train = Callable[..., bool]


def test_the_first_step_has_the_loss_and_the_gradient_of_a_plain_model(
    make_job: MakeJob, train: Train
) -> None:
    job = make_job(lm_weight=0.4, max_tokens_per_pack=150)
    train(job)

    pairs = PairFile(job.pairs, "train")
    batch = [pairs.pair(number) for number in PairSampler(pairs.row_keys, 8, DataState(seed=42)).next_batch()]
    model = RewardModel(read_model_config(job.model))
    load_weights(model, job.model, with_reward_head=False)
    chosen, rejected, lm = model(pack_pairs(batch))
    lm_mean = lm / sum(pair.num_labels for pair in batch)
    (bradley_terry_sum(chosen, rejected) / 8 + 0.4 * lm_mean).backward()
    norm = math.sqrt(sum(float(p.grad.square().sum()) for p in model.parameters() if p.grad is not None))

    assert metrics(job, "loss/bt")[0] == pytest.approx(math.log(2), abs=1e-6)
    assert metrics(job, "loss/magnitude")[0] == 0
    assert metrics(job, "loss/lm")[0] == pytest.approx(lm_mean.item(), rel=1e-6)
    assert metrics(job, "loss/total")[0] == pytest.approx(math.log(2) + 0.4 * lm_mean.item(), rel=1e-6)
    assert metrics(job, "grad_norm")[0] == pytest.approx(norm, rel=1e-5)


def test_it_learns_what_separates_the_sides(make_job: MakeJob, train: Train) -> None:
    job = make_job(epochs=8, learning_rate=3e-3)
    train(job)
    assert metrics(job, "held_out/accuracy")[-1] == 1.0
    assert metrics(job, "loss/bt")[-1] < 0.3
    assert metrics(job, "held_out/pairs") == [4.0] * len(metrics(job, "held_out/pairs"))


def test_the_language_model_loss_of_held_out_pairs_is_that_of_the_trained_model(
    make_job: MakeJob, train: Train
) -> None:
    job = make_job(max_tokens_per_pack=150)
    train(job)
    held_out = PairFile(job.pairs, "held_out")
    pairs = [held_out.pair(number) for number in range(len(held_out))]
    model = RewardModel(read_model_config(job.model))
    load_weights(model, job.output / MODEL, with_reward_head=True)
    _, _, lm = model(pack_pairs(pairs))
    mean = lm.item() / sum(pair.num_labels for pair in pairs)
    assert metrics(job, "held_out/lm")[-1] == pytest.approx(mean, rel=1e-6)


def test_without_the_language_model_term_nothing_is_computed_for_it(make_job: MakeJob, train: Train) -> None:
    job = make_job(lm_weight=0.0, epochs=1)
    train(job)
    assert metrics(job, "held_out/lm") == []


def test_how_a_step_is_cut_into_packs_does_not_matter(make_job: MakeJob, train: Train) -> None:
    whole, cut = make_job(max_tokens_per_pack=4000), make_job(max_tokens_per_pack=160, pad_packs_to=80)
    train(whole)
    train(cut)
    for name in ("loss/total", "grad_norm", "held_out/margin", "held_out/lm"):
        assert metrics(cut, name) == pytest.approx(metrics(whole, name), rel=1e-4, abs=1e-5)


def test_bfloat16_compute_keeps_rewards_and_weights_in_float32(make_job: MakeJob, train: Train) -> None:
    exact, narrow = make_job(learning_rate=3e-3), make_job(learning_rate=3e-3, compute_dtype="bfloat16")
    train(exact)
    train(narrow)
    assert metrics(narrow, "loss/bt") == pytest.approx(metrics(exact, "loss/bt"), rel=0.05)
    weights = load_file(narrow.output / MODEL / "model.safetensors")
    for name, tensor in [*weights.items(), *load_file(narrow.output / MODEL / REWARD_HEAD_FILE).items()]:
        assert tensor.dtype == torch.float32, name
        # steps far below bfloat16 spacing have left their mark
        assert not torch.equal(tensor, tensor.bfloat16().float()), name


def test_computing_activations_twice_changes_no_byte(make_job: MakeJob, train: Train) -> None:
    keeping, recomputing = make_job(epochs=1), make_job(epochs=1, recompute="layer")
    train(keeping)
    train(recomputing)
    assert outputs(recomputing) == outputs(keeping)


@pytest.mark.parametrize(
    "options", [{"lm_weight": 0.0}, {"gradient_clip": 0.0}, {"magnitude_weight": 1.0}, {"margin": 1.0}]
)
def test_options_of_the_objective_reach_the_weights(
    make_job: MakeJob, train: Train, options: dict[str, Any]
) -> None:
    plain, other = make_job(epochs=1), make_job(epochs=1, **options)
    train(plain)
    train(other)
    assert outputs(other)["model/model.safetensors"] != outputs(plain)["model/model.safetensors"]


@pytest.mark.parametrize("stop_after", [1, 3, 5])
def test_a_stopped_run_goes_on_to_the_same_bytes(make_job: MakeJob, train: Train, stop_after: int) -> None:
    undisturbed, stopped = make_job(), make_job()
    assert train(undisturbed)
    assert not train(stopped, stop_after=stop_after)
    assert not stopped.output.exists()
    assert train(stopped)
    assert outputs(stopped) == outputs(undisturbed)


def test_equal_jobs_make_equal_bytes_and_another_seed_does_not(make_job: MakeJob, train: Train) -> None:
    jobs = [make_job(), make_job(), make_job(seed=43)]
    for job in jobs:
        train(job)
    assert outputs(jobs[0]) == outputs(jobs[1])
    assert outputs(jobs[0]) != outputs(jobs[2])


def test_both_heads_carry_over_to_the_next_stage(make_job: MakeJob, train: Train) -> None:
    first = make_job(epochs=8, learning_rate=3e-3)
    train(first)
    second = make_job(model=first.output / MODEL, learning_rate=1e-9)
    train(second)
    trained = load_file(first.output / MODEL / REWARD_HEAD_FILE)[REWARD_HEAD]
    kept = load_file(second.output / MODEL / REWARD_HEAD_FILE)[REWARD_HEAD]
    assert trained.abs().max() > 1e-3
    torch.testing.assert_close(kept, trained, rtol=0, atol=1e-6)
    assert metrics(second, "loss/bt")[0] < 0.3
    assert metrics(second, "loss/lm")[0] < metrics(first, "loss/lm")[0]


def test_a_new_head_can_be_asked_for(make_job: MakeJob, train: Train) -> None:
    first = make_job(epochs=1)
    train(first)
    second = make_job(model=first.output / MODEL, reward_head="zero", epochs=1)
    train(second)
    assert metrics(second, "loss/bt")[0] == pytest.approx(math.log(2), abs=1e-6)


def test_a_row_that_is_not_finite_is_named_and_nothing_is_stepped(
    make_job: MakeJob, train: Train, tiny_model: Path, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    poisoned = tmp_path / "poisoned"
    shutil.copytree(tiny_model, poisoned)
    weights = load_file(poisoned / "model.safetensors")
    weights["model.embed_tokens.weight"][255] = math.nan
    save_file(weights, poisoned / "model.safetensors", metadata={"format": "pt"})
    rows[2]["rejected_ids"][0] = 255
    job = make_job(model=poisoned, rows=rows, lm_weight=0.0)
    with pytest.raises(UserError, match=r"step \d: .*rows 0{31}2\)"):
        train(job)
    assert not job.output.exists()


def test_a_pair_that_no_pack_can_hold_is_named(make_job: MakeJob, train: Train) -> None:
    with pytest.raises(UserError, match="more than max_tokens_per_pack 20: raise it"):
        train(make_job(max_tokens_per_pack=20))


def test_no_training_pairs_are_an_error(make_job: MakeJob, train: Train, rows: list[dict[str, Any]]) -> None:
    with pytest.raises(UserError, match="nothing to train on"):
        train(make_job(rows=[row for row in rows if row["split"] == "held_out"]))
