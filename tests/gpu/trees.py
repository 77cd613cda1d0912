"""Packs to check attention on, and the dense mask that says the same as their segments."""

import numpy as np
import torch
from torch import Tensor

from tests.benchmarks.length_sets import PM, PairLengths, scaled, token_pairs
from tests.gpu.scale import Scale
from themis_common.modeling.packing import SegmentForest, Segments, pack_pairs

SEED = 42
_VOCABULARY = 32_000


def pm_lengths(number: int, scale: Scale) -> list[PairLengths]:
    """Lengths of PM-like pairs, each cut to the factor of the scale."""
    lengths = PM.draw(number, SEED)
    return lengths if scale.length_factor == 1 else scaled(lengths, scale.length_factor)


def tree(pairs: int, scale: Scale) -> Segments:
    """Pairs of which most begin with one system text: three levels."""
    lengths = pm_lengths(pairs, scale)
    return pack_pairs(token_pairs(lengths, _VOCABULARY, SEED, with_preamble=True)).segments


def filled(tokens: int, scale: Scale) -> tuple[Segments, list[PairLengths]]:
    """As many pairs as a row of so many tokens holds, no two prompts alike."""
    lengths = pm_lengths(2 + tokens // 16, scale)
    held: list[PairLengths] = []
    while sum(pair.prompt + pair.chosen + pair.rejected for pair in [*held, lengths[len(held)]]) <= tokens:
        held.append(lengths[len(held)])
    return pack_pairs(token_pairs(held, _VOCABULARY, SEED)).segments, held


def short_branches(prefix: int) -> Segments:
    """One long prefix with branches of one and two tokens: where alignment to the wrong corner shows."""
    forest = SegmentForest()
    root = forest.add(np.arange(prefix, dtype=np.int32))
    for branch in (1, 2):
        forest.add(np.arange(branch, dtype=np.int32), root)
    return forest.segments()


def with_empty(segments: Segments, keys: int) -> Segments:
    """The same rows with a segment without queries, that looks at `keys` keys, after the first."""
    cu_q, cu_k = segments.cu_q, segments.cu_k
    cut = int(cu_k[1])
    return Segments(
        cu_q=torch.cat([cu_q[:2], cu_q[1:]]),
        cu_k=torch.cat([cu_k[:2], cu_k[1:] + keys]),
        kv_rows=torch.cat([segments.kv_rows[:cut], segments.kv_rows[:keys], segments.kv_rows[cut:]]),
        max_q=segments.max_q,
        max_k=segments.max_k,
    )


def dense_mask(segments: Segments) -> Tensor:
    """(T, T) bool, whether a row may look at another."""
    rows = int(segments.cu_q[-1])
    mask = torch.zeros(rows, rows, dtype=torch.bool)
    for q_start, q_end, k_start, k_end in segments.bounds:
        num_q, num_k = q_end - q_start, k_end - k_start
        seen = torch.ones(num_q, num_k, dtype=torch.bool).tril(num_k - num_q)
        mask[q_start:q_end, segments.kv_rows[k_start:k_end]] = seen
    return mask


def rows_of_tree(segments: Segments) -> tuple[Tensor, Tensor]:
    """(T,) int32 each: the segment of every row, and that of the prompt it continues, for two levels."""
    own = torch.repeat_interleave(torch.arange(len(segments.bounds)), segments.cu_q.diff())
    first = torch.tensor([int(segments.kv_rows[k_start]) for _, _, k_start, _ in segments.bounds])
    return own.int(), own[first][own].int()
