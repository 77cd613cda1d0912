"""Packs token sequences that share prefixes into one row, each shared token stored once.

A pack is a forest of segments: a segment's tokens continue the tokens of its parent. A preference pair is a path
(the longest common token prefix of its two conversations, in parts where other pairs begin alike) with two leaves.
Packed results equal those of every conversation alone, because a segment attends to its ancestors and itself only and
its positions go on where its parent's end (facts/training_peers.md section 2.3).

Shapes: T packed tokens, S segments, P pairs, L labelled tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from themis_common.modeling.prefix_tree import prefix_tree
from themis_common.modeling.token_pair import TokenIds, TokenPair

_PADDING_SEGMENT = 128
"""Tokens of a padding segment at least: many short ones would cost more than they compute."""


@dataclass(frozen=True, eq=False)
class Segments:
    """Which packed rows every segment asks from and may look at.

    Attributes:
        cu_q: (S+1,) int32, where each segment's rows start; segments lie one after another.
        cu_k: (S+1,) int32, where each segment's part of `kv_rows` starts.
        kv_rows: int64, for each segment the rows of its ancestors, then its own.
        max_q, max_k: longest segment with and without its ancestors, in tokens.
    """

    cu_q: Tensor
    cu_k: Tensor
    kv_rows: Tensor
    max_q: int
    max_k: int

    @cached_property
    def bounds(self) -> list[tuple[int, int, int, int]]:
        """(first row, end row, first key, end key) of every segment."""
        q, k = self.cu_q.tolist(), self.cu_k.tolist()
        return list(zip(q[:-1], q[1:], k[:-1], k[1:], strict=True))

    def to(self, device: torch.device | str | int) -> "Segments":
        """The same on another device, which accelerate's hooks call by a word or by the index of a GPU."""
        device = torch.device(device)
        return Segments(
            _moved(self.cu_q, device),
            _moved(self.cu_k, device),
            _moved(self.kv_rows, device),
            self.max_q,
            self.max_k,
        )


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    if device.type != "cuda" or tensor.device.type != "cpu":
        return tensor.to(device)
    # a copy goes on beside the host only from page-locked memory; torch keeps that until the copy is done
    return tensor.pin_memory().to(device, non_blocking=True)


class SegmentForest:
    """Collects segments and lays them out as one packed row."""

    def __init__(self) -> None:
        self._tokens: list[TokenIds] = []
        self._paths: list[tuple[int, ...]] = []
        self._starts: list[int] = [0]

    def add(self, tokens: TokenIds, parent: int | None = None) -> int:
        """Append a segment that continues `parent`, or starts a sequence; returns its number."""
        assert len(tokens), "a segment holds at least one token"
        number = len(self._tokens)
        self._tokens.append(tokens)
        self._paths.append((number,) if parent is None else (*self._paths[parent], number))
        self._starts.append(self._starts[-1] + len(tokens))
        return number

    def add_sequences(self, sequences: Sequence[TokenIds]) -> list[int]:
        """Append sequences, starts that several have in common once; returns the last segment of each."""
        tree = prefix_tree(sequences)
        segments: list[int] = []
        for tokens, parent in tree.nodes:
            segments.append(self.add(tokens, None if parent is None else segments[parent]))
        return [segments[end] for end in tree.ends]

    def pad_to_multiple(self, multiple: int) -> None:
        """Append tokens that nothing looks at until their number is a multiple.

        They lie in segments of their own, about as long as the longest sequence: attention to them stays cheap, and
        positions stay within what the model knows.
        """
        missing = -self._starts[-1] % multiple
        longest = max((sum(len(self._tokens[part]) for part in path) for path in self._paths), default=0)
        step = max(longest, _PADDING_SEGMENT)
        for start in range(0, missing, step):
            self.add(np.zeros(min(step, missing - start), np.int32))

    def rows(self, segment: int) -> NDArray[np.int64]:
        """Packed rows of a segment's own tokens."""
        return np.arange(self._starts[segment], self._starts[segment + 1])

    def sequence_rows(self, segment: int) -> NDArray[np.int64]:
        """Packed rows of the whole sequence that ends with `segment`."""
        return np.concatenate([self.rows(ancestor) for ancestor in self._paths[segment]])

    def token_ids(self) -> Tensor:
        """(T,) int64."""
        return torch.from_numpy(np.concatenate(self._tokens).astype(np.int64))

    def positions(self) -> Tensor:
        """(T,) int64, the position of each token in its own sequence."""
        spans = []
        for path in self._paths:
            before = sum(len(self._tokens[ancestor]) for ancestor in path[:-1])
            spans.append(np.arange(before, before + len(self._tokens[path[-1]])))
        return torch.from_numpy(np.concatenate(spans))

    def segments(self) -> Segments:
        """The attention layout."""
        kv_rows = [self.sequence_rows(segment) for segment in range(len(self._tokens))]
        cu_k = np.cumsum([0, *(len(rows) for rows in kv_rows)])
        return Segments(
            cu_q=torch.tensor(self._starts, dtype=torch.int32),
            cu_k=torch.from_numpy(cu_k.astype(np.int32)),
            kv_rows=torch.from_numpy(np.concatenate(kv_rows)),
            max_q=max(len(tokens) for tokens in self._tokens),
            max_k=max(len(rows) for rows in kv_rows),
        )


@dataclass(frozen=True, eq=False)
class PairPack:
    """Preference pairs as one packed row: everything that a step needs, from the packer to the loss.

    Attributes:
        token_ids, positions: (T,) int64.
        chosen_rows, rejected_rows: (P,) int64, the last token of either conversation.
        lm_rows: (L,) int64, rows from which the chosen responses are predicted.
        lm_labels: (L,) int64, the tokens to predict.
        row_keys: the pairs, in the order of `chosen_rows`.
    """

    token_ids: Tensor
    positions: Tensor
    segments: Segments
    chosen_rows: Tensor
    rejected_rows: Tensor
    lm_rows: Tensor
    lm_labels: Tensor
    row_keys: tuple[str, ...]

    def to(self, device: torch.device) -> "PairPack":
        """The same on another device."""
        return PairPack(
            _moved(self.token_ids, device),
            _moved(self.positions, device),
            self.segments.to(device),
            _moved(self.chosen_rows, device),
            _moved(self.rejected_rows, device),
            _moved(self.lm_rows, device),
            _moved(self.lm_labels, device),
            self.row_keys,
        )


def pack_pairs(pairs: Sequence[TokenPair], pad_to_multiple: int = 1) -> PairPack:
    """Lay `pairs` out as one packed row.

    No pairs at all give a row of one token that nothing is read from: with sharded weights a rank without work must
    still take part in every layer.

    Args:
        pad_to_multiple: tokens that nothing is read from fill the row up to a multiple of this.
    """
    forest = SegmentForest()
    prefixes = forest.add_sequences([pair.prefix for pair in pairs])
    chosen_rows, rejected_rows, lm_rows, lm_labels = [], [], [], []
    for pair, prefix in zip(pairs, prefixes, strict=True):
        chosen = forest.add(pair.chosen, prefix)
        rejected = forest.add(pair.rejected, prefix)
        chosen_rows.append(forest.rows(chosen)[-1])
        rejected_rows.append(forest.rows(rejected)[-1])
        lm_rows.append(forest.sequence_rows(chosen)[pair.prompt_tokens - 1 : -1])
        lm_labels.append(np.concatenate([pair.prefix, pair.chosen])[pair.prompt_tokens :])
    if not pairs:
        forest.add(np.zeros(1, np.int32))
    forest.pad_to_multiple(pad_to_multiple)
    return PairPack(
        token_ids=forest.token_ids(),
        positions=forest.positions(),
        segments=forest.segments(),
        chosen_rows=torch.tensor(chosen_rows, dtype=torch.int64),
        rejected_rows=torch.tensor(rejected_rows, dtype=torch.int64),
        lm_rows=_int64(lm_rows),
        lm_labels=_int64(lm_labels),
        row_keys=tuple(pair.row_key for pair in pairs),
    )


def _int64(parts: Sequence[NDArray[np.integer]]) -> Tensor:
    return torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *parts]).astype(np.int64))
