"""Attention over a packed row of segments, plugged into transformers models by name.

One function with two kernels behind it: a variable-length flash kernel over gathered keys and values on a GPU, and
a loop of plain scaled-dot-product calls, one per segment, that runs everywhere and defines the numbers. No mask over
the packed row exists anywhere, so none can be misread.

Shapes: H query heads, G key/value heads, T packed tokens, K gathered keys, D head dimension.
"""

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from themis_common.modeling.packing import Segments

ATTENTION = "themis_segments"
"""The name to give transformers as `attn_implementation`. No mask function is registered under it, which makes
transformers build no mask at all."""


def segment_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    *,
    segments: Segments,
    **_: Any,
) -> tuple[Tensor, None]:
    """Causal attention in which each segment sees its ancestors and itself.

    Args:
        query: (1, H, T, D); `key` and `value`: (1, G, T, D) with H a multiple of G.
        scaling: factor on the scores.
        segments: the layout, passed to the model's forward as a keyword argument.

    Returns:
        (1, T, H, D) and no attention weights.
    """
    assert attention_mask is None, "packed attention takes no mask"
    assert not dropout, "packed attention takes no dropout"
    flash = query.is_cuda and query.dtype in (torch.bfloat16, torch.float16)
    attend = _attend_varlen if flash else _attend_each
    return attend(query, key, value, segments, scaling), None


def _attend_each(query: Tensor, key: Tensor, value: Tensor, segments: Segments, scaling: float) -> Tensor:
    outputs = []
    for q_start, q_end, k_start, k_end in segments.bounds:
        rows = segments.kv_rows[k_start:k_end]
        num_q, num_k = q_end - q_start, k_end - k_start
        square = num_q == num_k
        # is_causal aligns to the upper left, so a segment with ancestors needs the lower-right mask written out
        mask = None if square else _lower_right(num_q, num_k, query.device)
        outputs.append(
            scaled_dot_product_attention(
                query[:, :, q_start:q_end],
                key.index_select(2, rows),
                value.index_select(2, rows),
                attn_mask=mask,
                is_causal=square,
                scale=scaling,
                enable_gqa=query.shape[1] != key.shape[1],
            )
        )
    return torch.cat(outputs, dim=2).transpose(1, 2)


def _lower_right(num_q: int, num_k: int, device: torch.device) -> Tensor:
    return torch.ones(num_q, num_k, dtype=torch.bool, device=device).tril(num_k - num_q)


def _attend_varlen(query: Tensor, key: Tensor, value: Tensor, segments: Segments, scaling: float) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    # torch 2.11 takes grouped heads without being told; from 2.12 on the kernel refuses them without the flag
    options: dict[str, Any] = {}
    if "enable_gqa" in inspect.signature(varlen_attn).parameters:
        options["enable_gqa"] = query.shape[1] != key.shape[1]
    output = varlen_attn(
        query[0].transpose(0, 1),
        key[0].transpose(0, 1).index_select(0, segments.kv_rows),
        value[0].transpose(0, 1).index_select(0, segments.kv_rows),
        segments.cu_q,
        segments.cu_k,
        segments.max_q,
        segments.max_k,
        scale=scaling,
        window_size=(-1, 0),
        **options,
    )
    assert isinstance(output, Tensor)
    return output.unsqueeze(0)


AttentionInterface.register(ATTENTION, segment_attention)
