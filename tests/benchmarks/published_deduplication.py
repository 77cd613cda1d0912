"""The published near-deduplication, plainly from its description (facts/dataset.md section 7), defects included.

Tokens are what lies between single separators, empty strings included; shingles are joined and hashed with SHA-1;
permutations wrap in 64 bits before the modulus; candidates are not verified.
"""

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.clusters import PERMUTATIONS, SHINGLE_SIZE, removed_by_clusters

_SEPARATOR = re.compile(r"[^A-Za-z_0-9]")
_PRIME = np.uint64((1 << 61) - 1)
_LARGEST = np.uint64((1 << 32) - 1)
_SEED = 77


def published_deduplication(documents: Sequence[str]) -> list[int]:
    """Numbers of the documents that it removes."""
    factors, summands = _permutations()
    return removed_by_clusters(
        {number: _signature(document, factors, summands) for number, document in enumerate(documents)}
    )


def _signature(
    document: str, factors: NDArray[np.uint64], summands: NDArray[np.uint64]
) -> NDArray[np.uint64]:
    tokens = _SEPARATOR.split(document)
    shingles = {
        " ".join(tokens[start : start + SHINGLE_SIZE]) for start in range(len(tokens) - SHINGLE_SIZE + 1)
    }
    if not shingles:
        return np.full(PERMUTATIONS, _LARGEST)
    hashes = np.array([_sha1_32(shingle) for shingle in shingles], dtype=np.uint64)
    permuted = ((hashes[:, None] * factors + summands) % _PRIME) & _LARGEST
    smallest: NDArray[np.uint64] = permuted.min(axis=0)
    return smallest


def _sha1_32(shingle: str) -> int:
    return int.from_bytes(hashlib.sha1(shingle.encode()).digest()[:4], "little")


def _permutations() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    generator = np.random.RandomState(_SEED)
    pairs = [
        (
            generator.randint(1, _PRIME, dtype=np.uint64),
            generator.randint(0, _PRIME, dtype=np.uint64),
        )
        for _ in range(PERMUTATIONS)
    ]
    factors, summands = np.array(pairs, dtype=np.uint64).T
    return factors, summands
