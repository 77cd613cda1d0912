"""Weights round trip, and what is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from themis_common.errors import UserError
from themis_common.modeling.model import RewardModel, empty_reward_model
from themis_common.modeling.weights import (
    REWARD_HEAD,
    StoredWeights,
    check_weights,
    load_weights,
    save_reward_head,
    save_weights,
    stored_parameters,
)

MakeModel = Callable[..., RewardModel]


def save(model: RewardModel, folder: Path, max_shard_bytes: int = 1 << 20) -> None:
    folder.mkdir(exist_ok=True)
    parameters = stored_parameters(model)
    head = parameters.pop(REWARD_HEAD)
    save_weights(
        folder,
        {name: parameter.nbytes for name, parameter in parameters.items()},
        lambda name: parameters[name].detach(),
        max_shard_bytes=max_shard_bytes,
    )
    save_reward_head(folder, head.detach())


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("max_shard_bytes", [1 << 20, 4096])
def test_both_heads_and_the_decoder_come_back(
    make_model: MakeModel, tmp_path: Path, tied: bool, max_shard_bytes: int
) -> None:
    model = make_model(tied=tied)
    save(model, tmp_path / "model", max_shard_bytes)
    other = make_model(tied=tied)
    for parameter in other.parameters():
        torch.nn.init.zeros_(parameter)
    load_weights(other, tmp_path / "model", with_reward_head=True)
    for (name, mine), theirs in zip(model.named_parameters(), other.parameters(), strict=True):
        assert torch.equal(mine, theirs), name
    index = tmp_path / "model" / "model.safetensors.index.json"
    assert index.exists() == (max_shard_bytes == 4096)


def test_transformers_reads_the_folder_as_a_language_model(make_model: MakeModel, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    model = make_model(tied=False)
    save(model, tmp_path / "model", 4096)
    (tmp_path / "model" / "reward_head.safetensors").unlink()
    model.config.save_pretrained(tmp_path / "model")
    loaded, report = AutoModelForCausalLM.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not any(report.values())
    assert torch.equal(loaded.lm_head.weight, model.lm_head.weight)


def test_bfloat16_files_fill_float32_parameters(make_model: MakeModel, tmp_path: Path) -> None:
    save(make_model().to(torch.bfloat16), tmp_path / "model")
    model = make_model()
    load_weights(model, tmp_path / "model", with_reward_head=True)
    norm = model.body.norm.weight
    assert norm.dtype == torch.float32
    assert torch.equal(norm, make_model().body.norm.weight)


def test_a_second_copy_of_a_tied_embedding_is_ignored(make_model: MakeModel, tmp_path: Path) -> None:
    model = make_model(tied=True)
    save(model, tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    save_file(tensors, tmp_path / "model.safetensors")
    check_weights(empty_reward_model(model.config), tmp_path, with_reward_head=True)


def _without(tensors: dict[str, torch.Tensor]) -> None:
    tensors.pop("model.norm.weight")


def _with_more(tensors: dict[str, torch.Tensor]) -> None:
    tensors["lm_head.bias"] = torch.zeros(3)


def _of_other_shape(tensors: dict[str, torch.Tensor]) -> None:
    tensors["model.norm.weight"] = torch.zeros(3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_without, "tensor model.norm.weight is missing"),
        (_with_more, "tensor lm_head.bias belongs to no parameter"),
        (_of_other_shape, r"model.norm.weight has shape \(3,\), its config.json says \(32,\)"),
    ],
)
def test_a_folder_that_is_not_the_whole_model_is_refused(
    make_model: MakeModel, tmp_path: Path, change: Callable[[dict[str, torch.Tensor]], None], message: str
) -> None:
    model = make_model()
    save(model, tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    change(tensors)
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match=message):
        load_weights(model, tmp_path, with_reward_head=True)


def test_a_damaged_file_and_a_folder_of_pickles_are_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(UserError, match=r"holds no \.safetensors file"):
        StoredWeights(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(UserError, match="cannot be read as safetensors"):
        StoredWeights(tmp_path)
