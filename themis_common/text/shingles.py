"""Hashed shingles: the set of all windows of n words of a text, as sorted 64-bit numbers.

The hash is defined in terms of wrapping 64-bit arithmetic on bytes, so that numpy (here) and the compiled
kernels (`kernels.py`) produce the same numbers:

    word     sum over bytes c_i of (c_i + 1) * P^i, mixed
    shingle  sum over words w_j of w_j * Q^j, mixed

where "mixed" is the finaliser of MurmurHash3. Two different shingles share a number with a probability near
2^-64, so Jaccard similarities of these sets are exact for every practical purpose.
"""

import functools

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

WORD_BASE = np.uint64(0x9E3779B97F4A7C15)
SHINGLE_BASE = np.uint64(0xD6E8FEB86659FD93)
_WORD_BASE_INVERSE = np.uint64(pow(int(WORD_BASE), -1, 1 << 64))

IS_WORD = np.zeros(256, dtype=bool)
IS_WORD[list(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789")] = True

_POWERS_KEPT = 1 << 16


def shingle_hashes(text: str, size: int) -> Hashes:
    """The distinct hashed windows of `size` words, sorted; empty where the text has fewer words.

    Args:
        text: any text; what is no word separates.
        size: words in a shingle, at least 1.
    """
    return shingle_hashes_of_bytes(text.encode("utf-8", "surrogatepass"), size)


def shingle_hashes_of_bytes(data: bytes, size: int) -> Hashes:
    """The same for a text that is encoded already."""
    return np.unique(window_hashes(data, size))


def window_hashes(data: bytes, size: int) -> Hashes:
    """All hashed windows of `size` words in order, repetitions included."""
    assert size >= 1, size
    hashed = _word_hashes(data)
    count = len(hashed) - size + 1
    if count < 1:
        return np.empty(0, dtype=np.uint64)
    total = np.zeros(count, dtype=np.uint64)
    for offset, factor in enumerate(powers(int(SHINGLE_BASE), size)):
        total += hashed[offset : offset + count] * factor
    return mix(total)


def jaccard(left: Hashes, right: Hashes) -> float:
    """Shared over all elements of two sorted sets without repetitions; 0 where both are empty."""
    if not len(left) and not len(right):
        return 0.0
    merged = np.concatenate((left, right))
    # both are sorted runs, which is what the stable sort is fast on
    merged.sort(kind="stable")
    shared = int(np.count_nonzero(merged[1:] == merged[:-1]))
    return shared / (len(merged) - shared)


def _word_hashes(data: bytes) -> Hashes:
    """One mixed number for each word, in order."""
    values = np.frombuffer(data, dtype=np.uint8)
    inside = np.zeros(len(values) + 2, dtype=np.int8)
    inside[1:-1] = IS_WORD[values]
    edges = np.flatnonzero(np.diff(inside))
    starts, ends = edges[0::2], edges[1::2]
    # a word's polynomial is a difference of prefix sums, shifted back to start at power zero
    weighted = (values.astype(np.uint64) + np.uint64(1)) * powers(int(WORD_BASE), len(values))
    prefix = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(weighted, out=prefix[1:])
    shift = powers(int(_WORD_BASE_INVERSE), len(values))[starts]
    return mix((prefix[ends] - prefix[starts]) * shift)


def powers(base: int, count: int) -> Hashes:
    """The first `count` powers of `base`, from the zeroth, modulo 2^64."""
    if count <= _POWERS_KEPT:
        return _kept_powers(base)[:count]
    return _compute_powers(base, count)


@functools.cache
def _kept_powers(base: int) -> Hashes:
    return _compute_powers(base, _POWERS_KEPT)


def _compute_powers(base: int, count: int) -> Hashes:
    factors = np.full(count, base, dtype=np.uint64)
    factors[0] = 1
    return np.cumprod(factors)


def mix(values: Hashes) -> Hashes:
    """The finaliser of MurmurHash3 (64 bits), a bijection that spreads every input bit."""
    values = values ^ (values >> np.uint64(33))
    values = values * np.uint64(0xFF51AFD7ED558CCD)
    values = values ^ (values >> np.uint64(33))
    values = values * np.uint64(0xC4CEB9FE1A85EC53)
    mixed: Hashes = values ^ (values >> np.uint64(33))
    return mixed
