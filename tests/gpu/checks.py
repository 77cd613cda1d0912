"""Item 1: what has to hold before anything is claimed (facts/training_peers.md section 5.4).

Attention through the function that models call, forward and all gradients, against float32 attention under the dense
mask of the tree; the same where alignment and empty segments would show; the ceilings of the device; the chunk of the
cross-entropy; ways to compute attention at 16k tokens.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from tests.benchmarks.flops import shared
from tests.gpu import trees
from tests.gpu.cases import Group, Values
from tests.gpu.device_clock import forget, peak_gib, seconds_of
from tests.gpu.scale import ModelScale, Scale
from themis_common.modeling.attention import segment_attention
from themis_common.modeling.losses import linear_cross_entropy_sum
from themis_common.modeling.packing import Segments

MATRIX = "checks/matrix product"
_TENSORS = ("output", "grad of query", "grad of key", "grad of value")

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Takes query (1, H, T, D), key and value (1, G, T, D); gives (1, T, H, D)."""


def groups(scale: Scale) -> list[Group]:
    """One for what is cheap, one for each way to compute attention that could take its process along."""
    check = partial(_attention_agrees, scale)
    ways = {
        f"checks/attention speed: {name}": partial(_attention_speed, scale, way)
        for name, way in _WAYS.items()
        if scale.device.type == "cuda" or way is not _flex
    }
    return [
        Group(
            "checks/attention",
            {
                "checks/tree of pairs": check(lambda: trees.tree(scale.attention_pairs, scale)),
                "checks/alignment": check(lambda: trees.short_branches(scale.attention_tokens // 8)),
                "checks/empty segment": check(lambda: trees.with_empty(_two_alone(), 0)),
                "checks/empty segment with keys": check(lambda: trees.with_empty(_two_alone(), 5)),
            },
        ),
        Group(
            "checks/ceilings",
            {
                MATRIX: lambda _: _matrix_ceiling(scale, (scale.matrix_side,) * 3),
                "checks/copy": lambda _: _copy_ceiling(scale),
                **{
                    f"checks/products of {name}": _products(scale, model)
                    for name, model in scale.models.items()
                },
            },
        ),
        Group(
            "checks/cross-entropy",
            {
                f"checks/cross-entropy at {name}": _cross_entropy(scale, model)
                for name, model in scale.models.items()
            },
        ),
        Group("checks/attention speed", ways),
    ]


def _two_alone() -> Segments:
    cu = torch.tensor([0, 40, 100], dtype=torch.int32)
    return Segments(cu, cu, torch.arange(100), 60, 60)


def _attention_agrees(scale: Scale, make: Callable[[], Segments]) -> Callable[[Path], Values]:
    def check(_: Path) -> Values:
        segments = make()
        mask = trees.dense_mask(segments).to(scale.device)
        inputs = _inputs(scale, len(mask))
        # the fused kernels may round float32 to fewer bits
        with sdpa_kernel(SDPBackend.MATH):
            exact = _results(_under_mask(mask), [tensor.float() for tensor in inputs])
        ours = _results(_by_segments(segments.to(scale.device)), inputs)
        plain = _results(_under_mask(mask), inputs)
        errors = [_error(one, other) for one, other in zip(exact, ours, strict=True)]
        return {
            "segments": len(segments.bounds),
            "rows": len(mask),
            "errors": dict(zip(_TENSORS, errors, strict=True)),
            "errors of SDPA": dict(zip(_TENSORS, map(_error, exact, plain), strict=True)),
            "tolerance": scale.kernel_tolerance,
            # NaN compares false
            "passed": all(error <= scale.kernel_tolerance for error in errors),
        }

    return check


def _inputs(scale: Scale, rows: int) -> list[Tensor]:
    """Query, key, value, and the gradient of the output."""
    heads, groups_, width = scale.heads
    generator = torch.Generator(scale.device).manual_seed(trees.SEED)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, device=scale.device).to(scale.dtype)

    keys = (1, groups_, rows, width)
    return [drawn(1, heads, rows, width), drawn(*keys), drawn(*keys), drawn(1, rows, heads, width)]


def _results(attend: Attend, inputs: Sequence[Tensor]) -> list[Tensor]:
    *leaves, gradient = (tensor.detach().clone() for tensor in inputs)
    for leaf in leaves:
        leaf.requires_grad_()
    output = attend(*leaves)
    output.backward(gradient)  # type: ignore[no-untyped-call]
    gradients = [leaf.grad for leaf in leaves]
    return [output.detach(), *(grad for grad in gradients if grad is not None)]


def _by_segments(segments: Segments) -> Attend:
    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        scaling = query.shape[-1] ** -0.5
        return segment_attention(nn.Module(), query, key, value, None, scaling, segments=segments)[0]

    return attend


def _under_mask(mask: Tensor) -> Attend:
    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        # repeated by hand: with enable_gqa and a mask only the slow kernel is left
        repeats = query.shape[1] // key.shape[1]
        keys, values = (tensor.repeat_interleave(repeats, dim=1) for tensor in (key, value))
        return scaled_dot_product_attention(query, keys, values, attn_mask=mask).transpose(1, 2)

    return attend


def _error(exact: Tensor, other: Tensor) -> float:
    return float((other.float() - exact.float()).norm() / exact.float().norm())


def _matrix_ceiling(scale: Scale, shape: tuple[int, int, int]) -> Values:
    rows, inner, columns = shape
    left = torch.randn(rows, inner, device=scale.device).to(scale.dtype)
    right = torch.randn(inner, columns, device=scale.device).to(scale.dtype)
    seconds = seconds_of(lambda: left @ right, scale.device)
    return {"TFLOP/s": 2 * rows * inner * columns / seconds / 1e12, "passed": True}


def _products(scale: Scale, model: ModelScale) -> Callable[[Path], Values]:
    """The largest product of a layer, on one pack: how much of the ceiling this shape can reach at all."""

    def check(_: Path) -> Values:
        config = model.config()
        return _matrix_ceiling(scale, (model.packs[0], config.hidden_size, config.intermediate_size))

    return check


def _copy_ceiling(scale: Scale) -> Values:
    source = torch.randint(0, 256, (scale.copy_bytes,), dtype=torch.uint8, device=scale.device)
    target = torch.empty_like(source)
    seconds = seconds_of(lambda: target.copy_(source), scale.device)
    # read and written
    return {"TB/s": 2 * scale.copy_bytes / seconds / 1e12, "passed": True}


def _cross_entropy(scale: Scale, model: ModelScale) -> Callable[[Path], Values]:
    def check(_: Path) -> Values:
        config = model.config()
        generator = torch.Generator(scale.device).manual_seed(trees.SEED)

        def drawn(*shape: int) -> Tensor:
            return torch.randn(shape, generator=generator, device=scale.device)

        hidden = drawn(scale.labels, config.hidden_size).to(scale.dtype).requires_grad_()
        weight = (0.02 * drawn(config.vocab_size, config.hidden_size)).to(scale.dtype).requires_grad_()
        labels = torch.randint(
            0, config.vocab_size, (scale.labels,), generator=generator, device=scale.device
        )
        exact = _grad_of_weight(_ours(scale.chunks[0]), hidden.float(), weight.float(), labels)
        ways = {f"ours, {chunk} rows": _ours(chunk) for chunk in scale.chunks}
        if scale.kernels == "liger":
            ways["Liger"] = _liger()
        rows: list[Values] = []
        for name, loss in ways.items():
            forget(scale.device)
            error = _error(exact, _grad_of_weight(loss, hidden, weight, labels))
            step = partial(_grad_of_weight, loss, hidden, weight, labels)
            seconds = seconds_of(step, scale.device, repetitions=3)
            rows.append({"way": name, "ms": 1e3 * seconds, "GiB": peak_gib(scale.device), "error": error})
        flops = 6 * scale.labels * config.hidden_size * config.vocab_size
        return {
            "labels": scale.labels,
            "flops": flops,
            "rows": rows,
            "passed": all(row["error"] <= scale.kernel_tolerance for row in rows),
        }

    return check


CrossEntropy = Callable[[Tensor, Tensor, Tensor], Tensor]


def _ours(chunk: int) -> CrossEntropy:
    return lambda hidden, weight, labels: linear_cross_entropy_sum(hidden, weight, labels, chunk)


def _liger() -> CrossEntropy:
    from liger_kernel.transformers import LigerFusedLinearCrossEntropyLoss

    loss = LigerFusedLinearCrossEntropyLoss(reduction="sum", accum_dtype=torch.float32)
    return lambda hidden, weight, labels: loss(weight, hidden, labels)


def _grad_of_weight(loss: CrossEntropy, hidden: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
    leaves = [tensor.detach().requires_grad_() for tensor in (hidden, weight)]
    loss(leaves[0], leaves[1], labels).backward()  # type: ignore[no-untyped-call]
    gradient = leaves[1].grad
    assert gradient is not None
    return gradient


def _attention_speed(scale: Scale, way: Callable[[Segments], Attend], _: Path) -> Values:
    """Forward and backward of one layer's attention; FLOPs as attended under the tree, whatever a way computes."""
    segments, lengths = trees.filled(scale.attention_tokens, scale)
    heads, _groups, width = scale.heads
    inputs = _inputs(scale, int(segments.cu_q[-1]))
    attend = way(segments.to(scale.device))
    forget(scale.device)
    seconds = seconds_of(lambda: _results(attend, inputs), scale.device)
    flops = 12 * heads * width * shared(lengths, flash=True).attended
    return {
        "rows": int(segments.cu_q[-1]),
        "ms": 1e3 * seconds,
        "TFLOP/s": flops / seconds / 1e12,
        "GiB": peak_gib(scale.device),
        "passed": True,
    }


def _dense(segments: Segments) -> Attend:
    on_host = segments.to(torch.device("cpu"))
    return _under_mask(trees.dense_mask(on_host).to(segments.cu_q.device))


def _flex(segments: Segments) -> Attend:
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    device = segments.cu_q.device
    own, root = (rows.to(device) for rows in trees.rows_of_tree(segments.to(torch.device("cpu"))))

    def seen(_batch: Any, _head: Any, q: Tensor, k: Tensor) -> Tensor:
        return (k <= q) & (root[q] == root[k]) & ((own[q] == own[k]) | (own[k] == root[k]))

    block_mask = create_block_mask(seen, None, None, len(own), len(own), device=str(device))
    compiled = torch.compile(flex_attention)

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        output = compiled(query, key, value, block_mask=block_mask, enable_gqa=True)
        return output.transpose(1, 2)

    return attend


_WAYS: dict[str, Callable[[Segments], Attend]] = {
    "segments (ours)": _by_segments,
    "SDPA under a dense mask": _dense,
    "FlexAttention": _flex,
}
