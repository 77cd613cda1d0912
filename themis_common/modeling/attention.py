"""Attention over a packed row of segments, plugged into transformers models by name.

One function with two kernels behind it: a variable-length flash kernel over gathered keys and values on a GPU, and
a loop of plain scaled-dot-product calls, one per segment, that runs everywhere and defines the numbers. No mask over
the packed row exists anywhere, so none can be misread.

Shapes: H query heads, G key/value heads, T packed tokens, K gathered keys, D head dimension.
"""

import inspect
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

from themis_common.errors import UserError
from themis_common.modeling.packing import Segments

ATTENTION = "themis_segments"
"""The name to give transformers as `attn_implementation`. No mask function is registered under it, which makes
transformers build no mask at all."""

_CHANGES_SCORES = ("softcap", "s_aux", "sinks", "position_bias")
"""What some models hand to their attention and none of the kernels here applies."""


_FASTER_FLASH = (("FA3", "flash_attn_interface", {9}), ("FA4", "flash_attn.cute", {9, 10}))
"""Kernels that torch can put in the place of its own: name, the module that brings it, majors of compute capability."""


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
    sliding_window: int | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Causal attention in which each segment sees its ancestors and itself.

    Args:
        query: (1, H, T, D); `key` and `value`: (1, G, T, D) with H a multiple of G.
        scaling: factor on the scores.
        segments: the layout, passed to the model's forward as a keyword argument.
        sliding_window: how many tokens of its sequence a token sees, itself included; None for all before it.

    Returns:
        (1, T, H, D) and no attention weights.

    Raises:
        UserError: the model wants its scores changed in a way that is not known here.
    """
    assert attention_mask is None, "packed attention takes no mask"
    assert not dropout, "packed attention takes no dropout"
    for name in _CHANGES_SCORES:
        if options.get(name) is not None:
            raise UserError(f"{type(module).__name__} wants {name}, which packed attention does not apply")
    flash = query.is_cuda and query.dtype in (torch.bfloat16, torch.float16)
    attend = _attend_varlen if flash else _attend_each
    return attend(query, key, value, segments, scaling, sliding_window), None


def _attend_each(
    query: Tensor, key: Tensor, value: Tensor, segments: Segments, scaling: float, window: int | None
) -> Tensor:
    outputs = []
    for q_start, q_end, k_start, k_end in segments.bounds:
        rows = segments.kv_rows[k_start:k_end]
        num_q, num_k = q_end - q_start, k_end - k_start
        # is_causal aligns to the upper left, so a segment with ancestors needs the lower-right mask written out
        plain = num_q == num_k and (window is None or window >= num_k)
        mask = None if plain else _lower_right(num_q, num_k, window, query.device)
        outputs.append(
            scaled_dot_product_attention(
                query[:, :, q_start:q_end],
                key.index_select(2, rows),
                value.index_select(2, rows),
                attn_mask=mask,
                is_causal=plain,
                scale=scaling,
                enable_gqa=query.shape[1] != key.shape[1],
            )
        )
    return torch.cat(outputs, dim=2).transpose(1, 2)


def _lower_right(num_q: int, num_k: int, window: int | None, device: torch.device) -> Tensor:
    seen = torch.ones(num_q, num_k, dtype=torch.bool, device=device).tril(num_k - num_q)
    return seen if window is None else seen.triu(num_k - num_q - window + 1)


def _attend_varlen(
    query: Tensor, key: Tensor, value: Tensor, segments: Segments, scaling: float, window: int | None
) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    _activate_faster_flash(query.device)
    options: dict[str, Any] = {}
    if _takes_enable_gqa(varlen_attn):
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
        # keys to the left of a query's own, all of them for -1, and none to its right
        window_size=(-1 if window is None else window - 1, 0),
        **options,
    )
    assert isinstance(output, Tensor)
    return output.unsqueeze(0)


@cache
def _takes_enable_gqa(kernel: Callable[..., Any]) -> bool:
    # torch 2.11 takes grouped heads without being told; from 2.12 on the kernel refuses them without the flag
    return "enable_gqa" in inspect.signature(kernel).parameters


def faster_flash(major: int, installed: Callable[[str], bool]) -> str | None:
    """The kernel to prefer to torch's own on a GPU of this compute capability, None where there is none.

    Args:
        installed: whether a module can be imported.
    """
    return next(
        (name for name, module, majors in _FASTER_FLASH if major in majors and installed(module)), None
    )


@cache
def _activate_faster_flash(device: torch.device) -> None:
    from torch.nn.attention import activate_flash_attention_impl

    major, _ = torch.cuda.get_device_capability(device)
    name = faster_flash(major, _installed)
    if name is not None:
        activate_flash_attention_impl(name)


def _installed(module: str) -> bool:
    package, _, _ = module.partition(".")
    return find_spec(package) is not None and find_spec(module) is not None


AttentionInterface.register(ATTENTION, segment_attention)
