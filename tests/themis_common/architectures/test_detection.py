"""Recognising checkpoints from their headers, and the one line that says why one is not what it is called."""

import dataclasses
import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.components.evaluation.scalar.checkpoints import PUBLISHED, body_tensors
from themis_common.architectures import architecture
from themis_common.architectures.checkpoint import Checkpoint, checkpoint_in_folder
from themis_common.architectures.detection import check_fits, detect, resolve_architecture
from themis_common.architectures.heads import Shape
from themis_common.errors import UserError

_ALIKE = {"qwen2-reward", "worldpm"}
_HIDDEN_NATURE = {"nemotron"}


def _checkpoint(name: str) -> Checkpoint:
    case = PUBLISHED[name]
    generator = torch.Generator().manual_seed(0)
    tensors = body_tensors(case.full_config(), case.prefix, generator) | case.head(generator)
    shapes = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    return Checkpoint(name, case.full_config(), shapes, frozenset({"config.json"}))


def _with(checkpoint: Checkpoint, **shapes: Shape | None) -> Checkpoint:
    """The same with other shapes; None takes a tensor away."""
    changed = {**checkpoint.shapes, **shapes}
    return dataclasses.replace(
        checkpoint, shapes={name: shape for name, shape in changed.items() if shape is not None}
    )


def _head_tensors(name: str) -> list[str]:
    layout = PUBLISHED[name].head(torch.Generator())
    return [key for key in layout if not key.endswith("num_batches_tracked")]


@pytest.mark.parametrize("name", sorted(PUBLISHED.keys() - _ALIKE - _HIDDEN_NATURE))
def test_a_published_layout_is_recognised(name: str) -> None:
    assert detect(_checkpoint(name)).name == name


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_named_architecture_is_checked_and_others_are_refused(name: str) -> None:
    checkpoint = _checkpoint(name)
    assert resolve_architecture(name, checkpoint).name == name
    for other in PUBLISHED.keys() - {name} - (_ALIKE if name in _ALIKE else set()):
        # any causal language model of Llama has an entry 0, whatever else is on top
        if other == "nemotron" and name in _HIDDEN_NATURE:
            continue
        with pytest.raises(UserError, match=f"it is not a model of architecture {other}"):
            check_fits(architecture(other), checkpoint)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_every_missing_extra_or_mis_shaped_head_tensor_is_named(name: str) -> None:
    checkpoint = _checkpoint(name)
    row = architecture(name)
    required = [key for key in _head_tensors(name) if key != "lm_head.weight" or name == "nemotron"]
    for tensor in required:
        with pytest.raises(UserError, match=f"tensor {tensor} is missing"):
            check_fits(row, _with(checkpoint, **{tensor: None}))
        with pytest.raises(UserError, match=f"tensor {tensor} has shape|has shape .* not"):
            check_fits(row, _with(checkpoint, **{tensor: (3, 7)}))
    if row.readout is not None and PUBLISHED[name].prefix:
        with pytest.raises(UserError, match="tensor extra.weight belongs to no part of it"):
            check_fits(row, _with(checkpoint, **{"extra.weight": (1, 1)}))


def test_two_architectures_that_look_alike_must_be_named() -> None:
    with pytest.raises(
        UserError, match="qwen2-reward and worldpm store their weights alike; set architecture"
    ):
        detect(_checkpoint("worldpm"))


def test_an_unknown_checkpoint_is_refused_with_the_nearest() -> None:
    wide = _with(_checkpoint("seqcls"), **{"score.weight": (5, 32)})
    with pytest.raises(
        UserError, match=r"nearest is seqcls, but tensor score.weight has shape \(5, 32\), not"
    ):
        detect(wide)
    torso = _with(_checkpoint("armo"), **{"gating.layers.2.bias": None})
    with pytest.raises(UserError, match="nearest is armo, but tensor gating.layers.2.bias is missing"):
        detect(torso)
    causal = _checkpoint("nemotron")
    with pytest.raises(UserError, match="no architecture fits"):
        detect(causal)
    mistral = _checkpoint("athene")
    mistral.config["model_type"] = "mistral"
    with pytest.raises(UserError, match="nearest is athene, but its model type is 'mistral', not llama"):
        detect(mistral)


def test_a_classifier_of_ten_labels_is_scored_only_with_its_gate() -> None:
    whole = _checkpoint("urm")
    without = {name: None for name in whole.shapes if name.startswith("weights.fc.")}
    labelled = _with(whole, **without)
    with pytest.raises(UserError, match=r"nearest is seqcls, but tensor score.weight has shape \(10, 32\)"):
        detect(labelled)
    with pytest.raises(UserError, match=r"tensor weights.fc.0.weight is missing; .* architecture urm"):
        check_fits(architecture("urm"), labelled)
    with pytest.raises(UserError, match=r"nearest is urm, but tensor weights.fc.4.bias is missing"):
        detect(_with(whole, **{"weights.fc.4.bias": None}))
    with pytest.raises(UserError, match=r"score.weight has shape \(10, 32\), not \(1, 32\)"):
        check_fits(architecture("seqcls"), whole)


def test_tensors_that_no_computation_takes_are_not_in_the_way() -> None:
    old = _with(_checkpoint("ultra"), **{"model.layers.0.self_attn.rotary_emb.inv_freq": (4,)})
    assert detect(old).name == "ultra"


def test_a_single_number_may_be_stored_without_a_dimension() -> None:
    assert detect(_with(_checkpoint("armo"), **{"gating.logit_scale": ()})).name == "armo"


def test_a_tied_output_embedding_may_be_left_out() -> None:
    checkpoint = _with(_checkpoint("nemotron"), **{"lm_head.weight": None})
    with pytest.raises(UserError, match=r"lm_head.weight is missing"):
        check_fits(architecture("nemotron"), checkpoint)
    checkpoint.config["tie_word_embeddings"] = True
    check_fits(architecture("nemotron"), checkpoint)


def test_headers_are_read_without_the_weights(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    save_file({"b": torch.zeros(2, 3)}, tmp_path / "model-00001-of-00002.safetensors")
    save_file(
        {"a": torch.zeros(4), "c": torch.tensor(1)},
        tmp_path / "model-00002-of-00002.safetensors",
        metadata={"format": "pt"},
    )
    assert checkpoint_in_folder(tmp_path).shapes == {"a": (4,), "b": (2, 3), "c": ()}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no safetensors file"),
        (b"\xff" * 20, "is no safetensors file"),
        (struct.pack("<Q", 30) + b'{"a": ', "is damaged"),
        (struct.pack("<Q", 2) + b"[]", "holds no JSON object"),
        (struct.pack("<Q", 8) + b'{"a": 1}', "is damaged"),
        (struct.pack("<Q", 21) + b'{"a": {"shape": "no"}}'[:21], "is damaged"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=rf"model\.safetensors .*{message}"):
        checkpoint_in_folder(tmp_path)


def test_a_missing_shard_is_missed(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    for number in (1, 3):
        save_file({f"t{number}": torch.zeros(1)}, tmp_path / f"model-0000{number}-of-00003.safetensors")
    with pytest.raises(UserError, match=r"holds 2 of the 3 files model-\*-of-00003\.safetensors"):
        checkpoint_in_folder(tmp_path)


@pytest.mark.parametrize("size", ["abc", [32]])
def test_a_size_that_is_no_number_is_said(size: object) -> None:
    checkpoint = _checkpoint("seqcls")
    checkpoint.config["hidden_size"] = size
    for name in ("auto", "seqcls"):
        with pytest.raises(UserError, match=r"a number in its config\.json is none"):
            resolve_architecture(name, checkpoint)


def test_a_folder_without_configuration_or_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no config.json"):
        checkpoint_in_folder(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match=r"config\.json is damaged"):
        checkpoint_in_folder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(UserError, match=r"holds no \.safetensors file"):
        checkpoint_in_folder(tmp_path)
    with pytest.raises(UserError, match="is no folder with a model"):
        checkpoint_in_folder(tmp_path / "nowhere")
