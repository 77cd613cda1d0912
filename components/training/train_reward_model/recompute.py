"""What backward computes a second time instead of keeping it: memory for time, and never another gradient."""

from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

_DENSE_OPERATORS = frozenset(
    {
        "aten::mm",
        "aten::addmm",
        "aten::bmm",
        "aten::_scaled_dot_product_flash_attention_for_cpu",
        "aten::_scaled_dot_product_flash_attention",
        "aten::_scaled_dot_product_efficient_attention",
        "aten::_scaled_dot_product_cudnn_attention",
        "torch_attn::_varlen_attn",
    }
)
"""Operators whose work grows faster than their output."""


def recompute_layers(layers: nn.ModuleList, policy: str) -> None:
    """Let each layer keep less of its forward, before the layers are sharded.

    Args:
        policy: none keeps everything; layer keeps a layer's input and computes the layer again; selective keeps what
            matrix products and attention gave and computes norms, rotations and activations again.
    """
    if policy == "none":
        return
    options: dict[str, Any] = {}
    if policy == "selective":
        options["context_fn"] = partial(create_selective_checkpoint_contexts, _keep_dense)
    for layer in layers:
        # around `forward` and not around the call, so that FSDP's hooks run once; there is no dropout to repeat
        layer.forward = partial(
            checkpoint, layer.forward, use_reentrant=False, preserve_rng_state=False, **options
        )


def _keep_dense(_context: object, operator: torch._ops.OpOverload, *_: Any, **__: Any) -> CheckpointPolicy:
    dense = operator._schema.name in _DENSE_OPERATORS
    return CheckpointPolicy.MUST_SAVE if dense else CheckpointPolicy.PREFER_RECOMPUTE
