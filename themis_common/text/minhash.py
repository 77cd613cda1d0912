"""MinHash signatures and their bands, with datasketch as the specification.

Source: facts/dataset.md section 7 (256 permutations, seed 77, threshold 0.7). The permutations are those of
datasketch's `affine32`, which are bijections; the published ones wrap inside a modulus and are biased.
"""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from themis_common.text.shingles import SHINGLE_BASE, Hashes, mix, powers

_SHINGLES_AT_ONCE = 4096
_LOW_BITS = np.uint64(0xFFFFFFFF)


@functools.lru_cache(maxsize=64)
def choose_bands(
    threshold: float, permutations: int, *, false_positive_weight: float = 0.5
) -> tuple[int, int]:
    """The number of bands and of rows in a band that serve `threshold` best.

    They minimise w * FP + (1 - w) * FN, where FP is the area under the candidate curve 1 - (1 - s^r)^b below
    the threshold and FN the area over it above the threshold.

    Args:
        threshold: Jaccard similarity, 0..1.
        permutations: length of the signatures; bands * rows is at most that.
        false_positive_weight: w; 0.5 as published, less where candidates are verified afterwards.
    """
    from datasketch import MinHashLSH

    index = MinHashLSH(
        threshold=threshold,
        num_perm=permutations,
        weights=(false_positive_weight, 1.0 - false_positive_weight),
    )
    return int(index.b), int(index.r)


def signature(shingles: Hashes, permutations: int, seed: int) -> NDArray[np.uint32]:
    """The minimum of every permutation over the low 32 bits of `shingles`: shape (permutations,).

    Args:
        shingles: not empty.
        permutations: how many.
        seed: of the permutations.
    """
    assert len(shingles), "a text without shingles has no signature"
    minhash = _prototype(permutations, seed).copy()
    low = (shingles & _LOW_BITS).tolist()
    # shingles x permutations intermediates: a slice keeps them at a few megabytes whatever the text's length
    for start in range(0, len(low), _SHINGLES_AT_ONCE):
        minhash.update_batch(low[start : start + _SHINGLES_AT_ONCE])
    values: NDArray[np.uint32] = minhash.hashvalues
    return values


def band_keys(values: NDArray[np.uint32], bands: int, rows: int) -> NDArray[np.uint64]:
    """One key for each band of a signature: shape (bands,). Equal bands have equal keys.

    A key is the sum over the band's values v_j of (v_j + 1) * Q^j, mixed, as shingles are hashed. Different bands
    share a key so rarely that it costs a needless comparison now and then, no more.
    """
    table = values[: bands * rows].reshape(bands, rows).astype(np.uint64) + np.uint64(1)
    return mix((table * powers(int(SHINGLE_BASE), rows)).sum(axis=1, dtype=np.uint64))


def permutations_of(permutations: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Factors and summands of the permutations h -> a * h + b modulo 2^32, each of shape (permutations,)."""
    factors, summands = _prototype(permutations, seed).permutations
    return np.ascontiguousarray(factors), np.ascontiguousarray(summands)


@functools.lru_cache(maxsize=4)
def _prototype(permutations: int, seed: int) -> Any:
    """A MinHash whose permutations every copy shares."""
    from datasketch import MinHash

    return MinHash(num_perm=permutations, seed=seed, hashfunc=int, scheme="affine32")
