"""What every method that stops at MinHash does with its signatures: bands, buckets, clusters, the first one stays.

The published way (facts/dataset.md section 7), shared by all peers so that only their signatures differ. Uses the
standard library and numpy alone, because peers import it where the project is not installed.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

BANDS, ROWS = 25, 10
"""The published bands for a threshold of 0.7 and 256 permutations."""
PERMUTATIONS = 256
SHINGLE_SIZE = 5


def removed_by_clusters(signatures: Mapping[int, Any]) -> list[int]:
    """Documents to remove: all of a cluster but the one with the smallest number.

    Args:
        signatures: by document number, a numpy array of PERMUTATIONS integers each.
    """
    parent = {number: number for number in signatures}

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number

    for band in range(BANDS):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        for number, signature in signatures.items():
            buckets[signature[band * ROWS : (band + 1) * ROWS].tobytes()].append(number)
        for members in buckets.values():
            for member in members[1:]:
                low, high = sorted((root(members[0]), root(member)))
                parent[high] = low
    return sorted(number for number in parent if root(number) != number)
