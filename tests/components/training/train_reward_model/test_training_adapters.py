"""Low-rank adapters: what is trained, what is saved, and that a run with them is a run like any other."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForSequenceClassification

from components.training.export_model.classifier import write_classifier
from components.training.train_reward_model.job import MODEL, Job
from components.training.train_reward_model.metrics import Curves
from components.training.train_reward_model.pair_file import PairFile
from components.training.train_reward_model.parallel import joined_ranks, make_sharded_model
from components.training.train_reward_model.trained_model import save_trained_model
from tests.components.training.train_reward_model.outputs import metrics, outputs
from themis_common.errors import UserError
from themis_common.modeling.model import PairOutputs, RewardModel, read_model_config
from themis_common.modeling.packing import pack_pairs
from themis_common.modeling.weights import REWARD_HEAD, REWARD_HEAD_FILE, load_weights

MakeJob = Callable[..., Job]
Train = Callable[..., bool]
LORA = {"lora_rank": 4, "lora_alpha": 8, "learning_rate": 1e-2}


def weights(folder: Path) -> dict[str, Tensor]:
    return load_file(folder / "model.safetensors")


@torch.no_grad()
def scores(model: RewardModel, job: Job) -> PairOutputs:
    pairs = PairFile(job.pairs, "held_out")
    outputs: PairOutputs = model(pack_pairs([pairs.pair(number) for number in range(len(pairs))]))
    return outputs


def test_the_merged_decoder_scores_as_the_adapted_one(make_job: MakeJob, alone: None) -> None:
    job = make_job(**LORA)
    with joined_ranks(job.config) as ranks:
        model = make_sharded_model(read_model_config(job.model), job.config, ranks)
        load_weights(model, job.model, with_reward_head=False)
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    torch.nn.init.normal_(parameter, std=0.2, generator=generator)
        adapted = scores(model, job)
        save_trained_model(model, job.model, job.output, "float32", Curves(), ranks)
    merged = RewardModel(read_model_config(job.output / MODEL))
    load_weights(merged, job.output / MODEL, with_reward_head=True)
    untouched = RewardModel(read_model_config(job.model))
    load_weights(untouched, job.model, with_reward_head=False)
    with torch.no_grad():
        untouched.reward_head.weight.copy_(merged.reward_head.weight)

    got = scores(merged, job)
    assert (adapted.chosen - scores(untouched, job).chosen).abs().max() > 0.1
    for mine, theirs in zip(got, adapted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5)


def test_only_adapters_and_the_reward_head_are_trained(make_job: MakeJob, train: Train) -> None:
    job = make_job(**LORA, lora_targets=("q_proj", "down_proj"))
    train(job)
    before, after = weights(job.model), weights(job.output / MODEL)
    assert before.keys() == after.keys()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.split(".")[-2] for name in changed} == {"q_proj", "down_proj"}
    assert len(changed) == 4
    assert load_file(job.output / MODEL / REWARD_HEAD_FILE)[REWARD_HEAD].any()


def test_what_they_made_is_exported_as_any_other_model(
    make_job: MakeJob, train: Train, tmp_path: Path
) -> None:
    job = make_job(**LORA)
    train(job)
    write_classifier(job.output / MODEL, tmp_path / "classifier", "float32")
    _, report = AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "classifier", output_loading_info=True
    )
    assert not any(report.values())


def test_the_first_step_is_that_of_full_training_and_it_learns(make_job: MakeJob, train: Train) -> None:
    full, adapted = make_job(epochs=1), make_job(epochs=5, **LORA)
    train(full)
    train(adapted)
    for name in ("loss/total", "loss/lm", "reward/margin"):
        assert metrics(adapted, name)[0] == pytest.approx(metrics(full, name)[0], abs=1e-6)
    assert 0 < metrics(adapted, "grad_norm")[0] < metrics(full, "grad_norm")[0]
    assert metrics(adapted, "loss/bt")[-1] < 0.3
    assert metrics(adapted, "held_out/accuracy")[-1] == 1.0


def test_a_stopped_run_goes_on_to_the_same_bytes(make_job: MakeJob, train: Train) -> None:
    undisturbed, stopped = make_job(**LORA), make_job(**LORA)
    assert train(undisturbed)
    assert not train(stopped, stop_after=3)
    assert train(stopped)
    assert outputs(stopped) == outputs(undisturbed)


def test_both_heads_carry_over_into_adapters_and_out_of_them(make_job: MakeJob, train: Train) -> None:
    first = make_job(epochs=5, learning_rate=5e-3)
    train(first)
    second = make_job(model=first.output / MODEL, **LORA)
    train(second)
    third = make_job(model=second.output / MODEL, epochs=1)
    train(third)
    assert metrics(second, "loss/bt")[0] < 0.3
    assert metrics(third, "loss/bt")[0] < metrics(second, "loss/bt")[0]


def test_a_bfloat16_decoder_stays_frozen_beside_float32_adapters(make_job: MakeJob, alone: None) -> None:
    job = make_job(**LORA, compute_dtype="bfloat16")
    with joined_ranks(job.config) as ranks:
        model = make_sharded_model(read_model_config(job.model), job.config, ranks)
        load_weights(model, job.model, with_reward_head=False)
        model(pack_pairs([PairFile(job.pairs, "train").pair(0)])).chosen.sum().backward()
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    for name, parameter in model.named_parameters():
        assert parameter.dtype == (torch.float32 if name in trained else torch.bfloat16), name
        assert (parameter.grad is not None) == (name in trained), name
        assert (".lora_" in name or name == "reward_head.weight") == (name in trained), name


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lora_targets": ("query",)}, "no linear layer 'query'; it has down_proj, gate_proj, k_proj"),
        ({"lora_targets": ("embed_tokens",)}, "no linear layer 'embed_tokens'"),
    ],
)
def test_a_target_that_is_no_linear_layer_is_refused(
    make_job: MakeJob, train: Train, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        train(make_job(**LORA, **options))
