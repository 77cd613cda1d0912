"""Published tensor layouts, mapped onto the classes of transformers: no code of the hub is ever run.

A layout says which configuration of transformers describes the body, and where each of its parameters is stored.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor
from transformers import LlamaConfig, PretrainedConfig

from themis_common.architectures.checkpoint import Checkpoint
from themis_common.architectures.heads import Shape
from themis_common.errors import UserError

Part = Literal["whole", "q", "k", "v"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a parameter is stored: a tensor, and which part of it."""

    name: str
    part: Part = "whole"


def stored_at(layout: str, parameter: str) -> Source:
    """Where a layout stores a parameter of the body; names without the checkpoint's prefix."""
    if layout == "transformers":
        return Source(parameter)
    for pattern, source, part in _INTERNLM2:
        if match := re.fullmatch(pattern, parameter):
            return Source(match.expand(source), part)
    raise AssertionError(f"layout {layout} does not know the parameter {parameter}")


def stored_shape(source: Source, parameter: Shape, config: PretrainedConfig) -> Shape:
    """The shape of the stored tensor that a parameter of this shape is part of."""
    if source.part == "whole":
        return parameter
    heads, groups, width = _attention_shape(config)
    return ((heads + 2 * groups) * width, *parameter[1:])


def take(source: Source, stored: Tensor, config: PretrainedConfig) -> Tensor:
    """The parameter out of the stored tensor.

    A fused projection holds, for each of G key/value heads, its H / G query heads, then the key, then the value
    (facts/evaluation.md section 4.12).
    """
    if source.part == "whole":
        return stored
    heads, groups, width = _attention_shape(config)
    queries = heads // groups
    rows = stored.reshape(groups, queries + 2, width, *stored.shape[1:])  # (G, H / G + 2, D, ...)
    part = {"q": rows[:, :queries], "k": rows[:, queries], "v": rows[:, queries + 1]}[source.part]
    return part.reshape(-1, *stored.shape[1:]).contiguous()


def internlm2_config(checkpoint: Checkpoint) -> PretrainedConfig:
    """The Llama configuration that computes what InternLM2's does.

    Raises:
        UserError: a setting has no counterpart, or is missing.
    """
    given: Mapping[str, Any] = checkpoint.config
    scaling = given.get("rope_scaling") or {}
    # dynamic scaling starts beyond max_position_embeddings, which no conversation may exceed
    if scaling.get("type", "dynamic") != "dynamic":
        raise UserError(
            f"{checkpoint.where}/config.json: rope_scaling of type {scaling['type']!r} is not supported"
        )
    for key in _SAME_IN_LLAMA:
        if key not in given:
            raise UserError(f"{checkpoint.where}/config.json: {key} is missing")
    return LlamaConfig(
        **{key: given[key] for key in _SAME_IN_LLAMA},
        rope_parameters={"rope_type": "default", "rope_theta": float(given.get("rope_theta", 10_000))},
        attention_bias=bool(given.get("bias", False)),
        pad_token_id=None,
        bos_token_id=given.get("bos_token_id", 1),
        eos_token_id=given.get("eos_token_id", 2),
        tie_word_embeddings=False,
        dtype=given.get("torch_dtype") or given.get("dtype"),
    )


def _attention_shape(config: PretrainedConfig) -> tuple[int, int, int]:
    """(query heads H, key/value heads G, head dimension D)."""
    heads = int(config.num_attention_heads)
    return heads, int(config.num_key_value_heads), int(config.hidden_size) // heads


_SAME_IN_LLAMA = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "max_position_embeddings",
    "rms_norm_eps",
    "hidden_act",
)

_LAYER = r"layers\.(\d+)\."
_INTERNLM2: tuple[tuple[str, str, Part], ...] = (
    (r"embed_tokens\.weight", r"tok_embeddings.weight", "whole"),
    (r"norm\.weight", r"norm.weight", "whole"),
    (_LAYER + r"self_attn\.q_proj\.(weight|bias)", r"layers.\1.attention.wqkv.\2", "q"),
    (_LAYER + r"self_attn\.k_proj\.(weight|bias)", r"layers.\1.attention.wqkv.\2", "k"),
    (_LAYER + r"self_attn\.v_proj\.(weight|bias)", r"layers.\1.attention.wqkv.\2", "v"),
    (_LAYER + r"self_attn\.o_proj\.(weight|bias)", r"layers.\1.attention.wo.\2", "whole"),
    (_LAYER + r"mlp\.gate_proj\.weight", r"layers.\1.feed_forward.w1.weight", "whole"),
    (_LAYER + r"mlp\.up_proj\.weight", r"layers.\1.feed_forward.w3.weight", "whole"),
    (_LAYER + r"mlp\.down_proj\.weight", r"layers.\1.feed_forward.w2.weight", "whole"),
    (_LAYER + r"input_layernorm\.weight", r"layers.\1.attention_norm.weight", "whole"),
    (_LAYER + r"post_attention_layernorm\.weight", r"layers.\1.ffn_norm.weight", "whole"),
)
"""A parameter of transformers' Llama, the tensor of InternLM2 that holds it, and which part."""

BODY_CONFIGS: Mapping[str, Callable[[Checkpoint], PretrainedConfig]] = {"internlm2": internlm2_config}
"""How the configuration of a layout is read where transformers does not know its model type."""
