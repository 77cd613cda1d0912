"""Finds the starts that token sequences have in common, so that a pack stores and computes each of them once.

Prompts begin with the same system text in most preference pairs, so a pack of pairs is a tree of three and more
levels: system text, rest of the prompt, responses (facts/training_peers.md section 2.2, row c++).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from themis_common.modeling.token_pair import TokenIds

MIN_SHARED = 32
"""Tokens that sharing spares a sequence at least; fewer cost more in attention calls than they save in computation."""


@dataclass(frozen=True, slots=True)
class PrefixTree:
    """Sequences as nodes that go on where their parents end.

    Attributes:
        nodes: tokens and parent of each node; a parent comes before its children.
        ends: the node with which each sequence ends.
    """

    nodes: list[tuple[TokenIds, int | None]] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)


def prefix_tree(sequences: Sequence[TokenIds]) -> PrefixTree:
    """The tree of sequences of at least one token each; equal sequences end with the same node."""
    # whatever the order of bytes, sequences with a common start are neighbours, the shortest first
    order = sorted(range(len(sequences)), key=lambda number: (sequences[number].tobytes(), number))
    lengths = [len(sequences[number]) for number in order]
    common = [common_tokens(sequences[left], sequences[right]) for left, right in pairwise(order)]
    tree = PrefixTree(ends=[-1] * len(sequences))

    def share(left: int, depth: int) -> bool:
        """Whether a sorted sequence and the next one share a node below `depth` tokens."""
        equal = lengths[left] == lengths[left + 1] == common[left]
        return equal or common[left] >= depth + MIN_SHARED

    def grow(first: int, stop: int, depth: int, parent: int | None) -> None:
        """Add what sorted sequences from `first` to `stop` hold beyond the `depth` tokens up to `parent`."""
        while first < stop:
            after = first + 1
            while after < stop and share(after - 1, depth):
                after += 1
            until = min([lengths[first], *common[first : after - 1]])
            node = len(tree.nodes)
            tree.nodes.append((sequences[order[first]][depth:until], parent))
            while first < after and lengths[first] == until:
                tree.ends[order[first]] = node
                first += 1
            grow(first, after, until, node)
            first = after

    grow(0, len(order), 0, None)
    return tree


def common_tokens(left: TokenIds, right: TokenIds) -> int:
    """Length of the common start of two sequences."""
    shorter = min(len(left), len(right))
    different = np.flatnonzero(left[:shorter] != right[:shorter])
    return int(different[0]) if len(different) else shorter
