"""Loads a scalar reward model from a folder: strictly, from data alone, body and head each in their own precision."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from transformers import PretrainedConfig, PreTrainedModel

from components.evaluation.score_benchmark.scalar.body import (
    BodyWeights,
    Placement,
    body_config,
    can_be_packed,
    choose_dtype,
    empty_body,
    fill,
    fill_placed,
)
from components.evaluation.score_benchmark.scalar.encoding import Encoder
from components.evaluation.score_benchmark.scalar.heads import LoadedHead
from components.evaluation.score_benchmark.scalar.scorer import ModelOutline, ScalarModel
from themis_common.architectures import Architecture
from themis_common.architectures.architecture import Readout
from themis_common.architectures.checkpoint import Checkpoint, checkpoint_in_folder
from themis_common.architectures.detection import body_prefix, check_fits, needed
from themis_common.architectures.heads import Known, RandomHead, TokenLogitHead
from themis_common.hashing import rng
from themis_common.modeling.attention import ATTENTION
from themis_common.modeling.weights import StoredWeights


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadOptions:
    """How a model is run.

    Attributes:
        dtype: of the body; the head is float32.
        max_tokens: longest conversation; the model's own limit where that is lower.
        seed: of a random head.
        placement: says which part of a body goes where, e.g. `spread_over_gpus`; None: all of it on `device`.
        offload: folder for what neither GPU nor CPU holds; needed with a placement.
    """

    dtype: Literal["stored", "float32", "bfloat16"] = "stored"
    max_tokens: int = 4096
    seed: int = 7
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    placement: Callable[[PreTrainedModel, torch.dtype], Placement] | None = None
    offload: Path | None = None


@dataclass(frozen=True, kw_only=True)
class _Unfilled(ModelOutline):
    """An outline with what the weights are then read into."""

    readout: Readout
    checkpoint: Checkpoint
    config: PretrainedConfig
    body: PreTrainedModel


def outline_model(folder: Path, architecture: Architecture, max_tokens: int) -> ModelOutline:
    """The model in a folder, as far as it can be known without its weights.

    Args:
        folder: config.json, safetensors and tokenizer; nothing else in it is read.
        max_tokens: as in LoadOptions.

    Raises:
        UserError: tokenizer or architecture do not fit.
    """
    return _outline(folder, architecture, max_tokens)


def _outline(folder: Path, architecture: Architecture, max_tokens: int) -> _Unfilled:
    checkpoint = checkpoint_in_folder(folder)
    check_fits(architecture, checkpoint)
    readout = architecture.readout
    assert readout is not None, f"{architecture.name} is no scalar architecture"
    config = body_config(folder, readout.body, checkpoint)
    longest = min(max_tokens, getattr(config, "max_position_embeddings", None) or max_tokens)
    body = empty_body(config, checkpoint.where, packed=can_be_packed(config, longest))
    return _Unfilled(
        architecture=architecture,
        encoder=Encoder(folder, readout, checkpoint.config, longest),
        packs=body.config._attn_implementation == ATTENTION,
        readout=readout,
        checkpoint=checkpoint,
        config=config,
        body=body,
    )


def load_scalar_model(folder: Path, architecture: Architecture, options: LoadOptions) -> ScalarModel:
    """The model in a folder, read out as the architecture says.

    Args:
        folder: config.json, safetensors and tokenizer; nothing else in it is read.

    Raises:
        UserError: a tensor is missing, unexpected or of another shape, or tokenizer or architecture do not fit.
    """
    outline = _outline(folder, architecture, options.max_tokens)
    checkpoint, config, readout = outline.checkpoint, outline.config, outline.readout
    weights = StoredWeights(folder)
    prefix = body_prefix(readout, checkpoint)
    head = _load_head(readout, checkpoint, weights, prefix, config, options.seed)
    stored = {name: shape for name, shape in needed(weights.shapes).items() if name not in head.tensors}
    sources = BodyWeights(outline.body, readout.body.layout, prefix, weights, stored, checkpoint.where)
    return ScalarModel(
        architecture=architecture,
        encoder=outline.encoder,
        packs=outline.packs,
        body=_fill(outline.body, sources, config, options),
        head=head,
        device=options.device,
    )


def _fill(
    body: PreTrainedModel, sources: BodyWeights, config: PretrainedConfig, options: LoadOptions
) -> PreTrainedModel:
    dtype = choose_dtype(options.dtype, config)
    if options.placement is None:
        fill(body, sources, dtype, options.device)
        return body
    assert options.offload is not None, "a placement needs a folder for what lies on disk"
    return fill_placed(body, sources, dtype, options.placement(body, dtype), options.offload)


def _load_head(
    readout: Readout,
    checkpoint: Checkpoint,
    weights: StoredWeights,
    prefix: str,
    config: PretrainedConfig,
    seed: int,
) -> LoadedHead:
    spec = readout.head
    if isinstance(spec, RandomHead):
        return LoadedHead(spec, {spec.weight: _random_head(config, seed)}, checkpoint.config)
    if isinstance(spec, TokenLogitHead):
        embedding = spec.weight if spec.weight in weights.shapes else f"{prefix}embed_tokens.weight"
        row = weights.read(embedding)[spec.token : spec.token + 1]
        return LoadedHead(spec, {spec.weight: row.float()}, checkpoint.config)
    layout = spec.layout(Known(checkpoint.config, config.hidden_size, weights.shapes))
    tensors = {name: weights.read(name).float().reshape(shape) for name, shape in layout.items()}
    return LoadedHead(spec, tensors, checkpoint.config)


def _random_head(config: PretrainedConfig, seed: int) -> Tensor:
    # not zeros: they would tie every pair and show the tie policy, not the model
    generator = torch.Generator().manual_seed(rng(seed, "reward head", "untrained model").getrandbits(63))
    weight: Tensor = torch.randn((1, config.hidden_size), generator=generator) * config.initializer_range
    return weight
