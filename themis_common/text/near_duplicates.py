"""Which of many texts are near-duplicates of an earlier one, decided by exact Jaccard similarity.

Texts that share a band of their signatures are candidates. They are taken in the order in which they are to be
kept; each is compared with the kept texts among its candidates and goes when one of them reaches the threshold.
So every removed text has a kept text that it really resembles. Clusters by union-find do not promise that: in a
chain A ~ B ~ C they remove C for resembling B, which is not kept either.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from themis_common.text.shingles import Hashes, jaccard

ALONE = -1


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Why a text goes: the index of the kept text and their Jaccard similarity."""

    kept: int
    similarity: float


class ShingleSets:
    """Room for the hashed shingles of some texts, filled one by one in any order.

    Args:
        room: the most shingles that each text can have, by its index.
        file: a new file to map them to, so that what memory does not hold waits on the disk.
    """

    def __init__(self, room: NDArray[np.uint32], file: Path) -> None:
        ends = np.cumsum(room, dtype=np.int64)
        self.starts: NDArray[np.int64] = ends - room
        self.ends: NDArray[np.int64] = self.starts.copy()
        size = int(ends[-1]) if len(ends) else 0
        # an empty file cannot be mapped
        mapped = np.memmap(file, dtype=np.uint64, mode="w+", shape=max(size, 1))
        self.values: Hashes = np.asarray(mapped)[:size]

    def __getitem__(self, index: int) -> Hashes:
        return self.values[self.starts[index] : self.ends[index]]

    def fill(self, indices: Iterable[int], shingles: Iterable[Hashes]) -> None:
        """Put the shingles of texts in."""
        for index, values in zip(indices, shingles, strict=True):
            self.ends[index] = self.starts[index] + len(values)
            self[index][:] = values


def band_groups(keys: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Number the texts that share a key, band by band.

    Args:
        keys: band keys, shape (texts, bands).

    Returns:
        Shape (texts, bands): a number that exactly the texts with an equal key in that band have, or ALONE. Numbers
        run from 0 without gaps; no two bands share one.
    """
    groups = np.full(keys.shape, ALONE, dtype=np.int32)
    used = 0
    for band in range(keys.shape[1]):
        _, numbers, counts = np.unique(keys[:, band], return_inverse=True, return_counts=True)
        is_shared = counts > 1
        group_of = used + np.cumsum(is_shared) - 1
        members = is_shared[numbers]
        groups[members, band] = group_of[numbers[members]]
        used += int(np.count_nonzero(is_shared))
    return groups


def find_duplicates(
    groups: NDArray[np.int32], order: Sequence[int], shingles: Callable[[int], Hashes], threshold: float
) -> dict[int, Duplicate]:
    """The texts to remove, by index.

    Args:
        groups: of `band_groups`.
        order: the indices of all texts that are in a group, the ones to keep first.
        shingles: the hashed shingles of a text by its index; asked only for texts that are in a group.
        threshold: Jaccard similarity, 0..1, from which a text goes.
    """
    kept: defaultdict[int, list[int]] = defaultdict(list)
    rank = {index: position for position, index in enumerate(order)}
    removed: dict[int, Duplicate] = {}
    for index in order:
        mine = groups[index][groups[index] != ALONE].tolist()
        candidates = sorted({other for group in mine for other in kept[group]}, key=rank.__getitem__)
        for other in candidates:
            similarity = jaccard(shingles(index), shingles(other))
            if similarity >= threshold:
                removed[index] = Duplicate(other, similarity)
                break
        else:
            for group in mine:
                kept[group].append(index)
    return removed
