"""Plans which conversations share a pack, and lays a pack out so that each shared prefix is computed once.

Conversations are sorted by their token ids: then those with the same system text, and within them those with the same
prompt, lie side by side. Prefixes are shared in blocks, so that a few equal tokens do not become a segment of their
own. Packs depend on nothing but the conversations and the budget, so that a second run gives the same bytes.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from themis_common.modeling.packing import SegmentForest
from themis_common.modeling.token_pair import TokenIds

BLOCK = 32
"""Tokens; a shorter common prefix costs more in attention calls than its computation saves."""


def plan_packs(conversations: Mapping[str, TokenIds], budget: int) -> list[list[str]]:
    """Cut conversations into packs of at most `budget` tokens, counting shared prefixes once.

    The largest packs come first, so that a model that does not fit fails at once. A conversation longer than the
    budget makes a pack of its own.

    Args:
        conversations: token ids of every conversation, int32 (T,), by key.
    """
    packs: list[list[str]] = []
    sizes: list[int] = []
    before: TokenIds | None = None
    for key in sorted(conversations, key=lambda key: (_in_order(conversations[key]), key)):
        ids = conversations[key]
        own = len(ids) - (0 if before is None else shared_tokens(before, ids))
        if packs and sizes[-1] + own <= budget:
            packs[-1].append(key)
            sizes[-1] += own
        else:
            packs.append([key])
            sizes.append(len(ids))
        before = ids
    return [pack for _, pack in sorted(zip(sizes, packs, strict=True), key=lambda sized: -sized[0])]


def _in_order(ids: TokenIds) -> bytes:
    """Bytes that sort as the token ids do; equal for equal ids."""
    return ids.astype(">i4").tobytes()


def shared_tokens(left: TokenIds, right: TokenIds) -> int:
    """Length of the common prefix in whole blocks."""
    shorter = min(len(left), len(right))
    different = np.flatnonzero(left[:shorter] != right[:shorter])
    common = int(different[0]) if len(different) else shorter
    return common // BLOCK * BLOCK


class PrefixPack:
    """Conversations as one packed row.

    Attributes:
        forest: the segments.
        rows: for each conversation, in the order given, the packed row of each of its tokens.
    """

    def __init__(self, conversations: Sequence[TokenIds]) -> None:
        self.forest = SegmentForest()
        self._sequences = conversations
        self._leaves: dict[int, int] = {}
        order = [_in_order(ids) for ids in conversations]
        # conversations of equal tokens are one sequence
        first = {ids: number for number, ids in reversed(list(enumerate(order)))}
        self._grow(sorted(first.values(), key=order.__getitem__), 0, None)
        self.rows = [self.forest.sequence_rows(self._leaves[first[ids]]) for ids in order]

    def positions_of(self, positions: Sequence[Sequence[int]]) -> Tensor:
        """Packed rows, int64 (N, P), of positions in each conversation."""
        return torch.from_numpy(
            np.stack([rows[list(wanted)] for rows, wanted in zip(self.rows, positions, strict=True)])
        )

    def _grow(self, group: list[int], start: int, parent: int | None) -> None:
        """Add the tokens from `start` on of sequences that are equal up to there and sorted."""
        first, last = self._sequences[group[0]], self._sequences[group[-1]]
        end = shared_tokens(first, last) if len(group) > 1 else len(first)
        if end > start:
            parent = self.forest.add(first[start:end], parent)
        if len(group) == 1:
            assert parent is not None, "a conversation holds at least one token"
            self._leaves[group[0]] = parent
            return
        for _, same in groupby(
            group, key=lambda number: _in_order(self._sequences[number][end : end + BLOCK])
        ):
            self._grow(list(same), end, parent)
