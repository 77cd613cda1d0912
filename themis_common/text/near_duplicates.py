"""Which of many texts are near-duplicates of an earlier one, decided by exact Jaccard similarity.

Texts that share a band of their signatures are candidates. They are taken in the order in which they are to be
kept; each is compared with the kept texts among its candidates and goes when one of them reaches the threshold.
So every removed text has a kept text that it really resembles. Clusters by union-find do not promise that: in a
chain A ~ B ~ C they remove C for resembling B, which is not kept either.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from themis_common.text.shingles import Hashes, jaccard

ALONE = -1


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Why a text goes: the index of the kept text and their Jaccard similarity."""

    kept: int
    similarity: float


def band_groups(keys: NDArray[np.uint64]) -> NDArray[np.int32]:
    """Number the texts that share a key, band by band.

    Args:
        keys: band keys, shape (texts, bands).

    Returns:
        Shape (texts, bands): a number that exactly the texts with an equal key in that band have, or ALONE.
    """
    groups = np.full(keys.shape, ALONE, dtype=np.int32)
    for band in range(keys.shape[1]):
        _, numbers, counts = np.unique(keys[:, band], return_inverse=True, return_counts=True)
        shared = counts[numbers] > 1
        groups[shared, band] = numbers[shared]
    return groups


def find_duplicates(
    groups: NDArray[np.int32], order: Sequence[int], shingles: Callable[[int], Hashes], threshold: float
) -> dict[int, Duplicate]:
    """The texts to remove, by index.

    Args:
        groups: of `band_groups`.
        order: all indices, the ones to keep first.
        shingles: the hashed shingles of a text by its index; asked only for texts that are in a group.
        threshold: Jaccard similarity, 0..1, from which a text goes.
    """
    kept: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    rank = {index: position for position, index in enumerate(order)}
    removed: dict[int, Duplicate] = {}
    for index in order:
        mine = [(band, int(groups[index, band])) for band in np.flatnonzero(groups[index] != ALONE).tolist()]
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
