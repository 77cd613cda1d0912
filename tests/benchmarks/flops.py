"""FLOPs of training on pairs: by formula for any number of pairs, and counted while a model runs.

The formulas are those of facts/training_peers.md section 2.1: 6 FLOPs for each weight and token (forward and backward),
12 for each attended (query, key) pair, head and head dimension. What "attended" means depends on the kernel: a
variable-length flash kernel computes the causal half of every real sequence; on this machine a segment that follows a
prefix and every padded batch are computed as whole rectangles under a mask.

The counter is PyTorch's. It runs on fake tensors, so nothing is computed and shapes are all that is needed. It does not
know the attention kernel for CPUs by itself, so it counts products with weights alone unless it is told of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode
from transformers import PretrainedConfig

from tests.benchmarks.length_sets import PairLengths


@dataclass(frozen=True, slots=True)
class Work:
    """What a layout makes a model compute: rows of the layers, attended pairs, rows of the language-model head."""

    rows: float
    attended: float
    lm_rows: float

    def matrix_flops(self, config: PretrainedConfig) -> float:
        """Of the products with weights, forward and backward."""
        queries = config.num_attention_heads * config.head_dim
        keys = config.num_key_value_heads * config.head_dim
        weights = config.hidden_size * (2 * queries + 2 * keys + 3 * config.intermediate_size)
        layers = 6 * config.num_hidden_layers * weights * self.rows
        return layers + 6 * config.vocab_size * config.hidden_size * self.lm_rows

    def flops(self, config: PretrainedConfig) -> float:
        """The same and attention."""
        queries = config.num_attention_heads * config.head_dim
        return self.matrix_flops(config) + 12 * config.num_hidden_layers * queries * self.attended


def shared(lengths: Sequence[PairLengths], *, flash: bool, with_preamble: bool = False) -> Work:
    """Packed, the prompt once for both sides; `with_preamble` also the start of system texts once for all pairs."""
    preamble = max((pair.preamble for pair in lengths), default=0) if with_preamble else 0

    def attended(pair: PairLengths) -> float:
        start = min(pair.preamble, preamble)
        if flash:
            sides = (
                triangle(pair.prompt + pair.chosen) + pair.rejected * pair.prompt + triangle(pair.rejected)
            )
            return sides - triangle(start)
        rest = (pair.prompt - start) * pair.prompt if start else triangle(pair.prompt)
        return rest + sum(side * (pair.prompt + side) for side in (pair.chosen, pair.rejected))

    return Work(
        rows=preamble
        + sum(pair.prompt - min(pair.preamble, preamble) + pair.chosen + pair.rejected for pair in lengths),
        attended=triangle(preamble) + sum(map(attended, lengths)),
        lm_rows=sum(pair.chosen for pair in lengths),
    )


def unshared(lengths: Sequence[PairLengths]) -> Work:
    """Packed, the prompt twice."""
    sides = [pair.prompt + side for pair in lengths for side in (pair.chosen, pair.rejected)]
    return Work(
        rows=sum(sides), attended=sum(map(triangle, sides)), lm_rows=sum(pair.chosen for pair in lengths)
    )


def padded(
    lengths: Sequence[PairLengths], micro_batch: int, *, flash: bool, lm_everywhere: bool = True
) -> Work:
    """Padded per micro-batch, chosen and rejected apart.

    Args:
        flash: attention leaves the padding out, as flash-attn behind transformers does.
        lm_everywhere: the head multiplies every row of the chosen batch, as in the published trainer.
    """
    rows = attended = lm_rows = 0.0
    for start in range(0, len(lengths), micro_batch):
        batch = lengths[start : start + micro_batch]
        for side in ("chosen", "rejected"):
            sides = [pair.prompt + getattr(pair, side) for pair in batch]
            rows += len(batch) * max(sides)
            attended += sum(map(triangle, sides)) if flash else len(batch) * max(sides) ** 2
            if side == "chosen":
                lm_rows += len(batch) * max(sides) if lm_everywhere else sum(pair.chosen for pair in batch)
    return Work(rows, attended, lm_rows)


def triangle(n: float) -> float:
    """Attended pairs of a causal sequence of n tokens."""
    return n * (n + 1) / 2


@dataclass(frozen=True, slots=True)
class Counted:
    """Counted FLOPs of products with weights, and of them and attention."""

    matrix: int
    total: int


def count(make_step: Callable[[], Callable[[], Any]]) -> Counted:
    """FLOPs of the step that `make_step` returns; both run on fake tensors."""
    forward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
    mapping = {forward: _attention_forward, backward: _attention_backward}
    with FakeTensorMode(allow_non_fake_inputs=True):
        step = make_step()
        with FlopCounterMode(display=False, custom_mapping=mapping) as counter:
            step()
    kernels = counter.get_flop_counts()["Global"]
    attention = sum(kernels.get(kernel, 0) for kernel in mapping)
    return Counted(counter.get_total_flops() - attention, counter.get_total_flops())


def _attention_forward(
    query: Sequence[int],
    key: Sequence[int],
    value: Sequence[int],
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **_: Any,
) -> int:
    return 4 * _products(query, key, is_causal)


def _attention_backward(
    gradient: Sequence[int],
    query: Sequence[int],
    key: Sequence[int],
    value: Sequence[int],
    output: Sequence[int],
    log_normaliser: Sequence[int],
    dropout_p: float,
    is_causal: bool,
    **_: Any,
) -> int:
    return 8 * _products(query, key, is_causal)


def _products(query: Sequence[int], key: Sequence[int], is_causal: bool) -> int:
    batch, heads, num_queries, head_dim = query
    attended = triangle(num_queries) if is_causal else num_queries * key[2]
    return int(batch * heads * head_dim * attended)
