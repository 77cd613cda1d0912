"""The inner loops of near-deduplication, compiled by numba.

They compute the numbers that `shingles.py`, `minhash.py` and `near_duplicates.py` define. Texts come as the UTF-8 of a
batch end to end with offsets. Kernels release the interpreter lock and write into arrays of their caller, so that
threads can share a batch. Compiled code is cached in NUMBA_CACHE_DIR, beside this file or in the user's cache,
whichever can be written.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from themis_common.text.shingles import IS_WORD, SHINGLE_BASE, WORD_BASE

F = TypeVar("F", bound=Callable[..., Any])

_ZERO, _ONE = np.uint64(0), np.uint64(1)
_S33 = np.uint64(33)
_M1, _M2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_T16, _T13 = np.uint32(16), np.uint32(13)
_N1, _N2 = np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35)
_LARGEST = np.uint32(0xFFFFFFFF)
_ALONE = -1


def compiled(function: F) -> F:
    """Compile on first use; without a place to cache the result, compile in every process."""
    try:
        return cast(F, numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:
        return cast(F, numba.njit(nogil=True)(function))


@compiled
def _mix(value: np.uint64) -> np.uint64:
    value = (value ^ (value >> _S33)) * _M1
    value = (value ^ (value >> _S33)) * _M2
    return value ^ (value >> _S33)


@compiled
def _mix_low(value: np.uint64) -> np.uint32:
    """The 32-bit finaliser of MurmurHash3 over the low bits, as datasketch applies it."""
    low = np.uint32(value)
    low = np.uint32(np.uint32(low ^ (low >> _T16)) * _N1)
    low = np.uint32(np.uint32(low ^ (low >> _T13)) * _N2)
    return np.uint32(low ^ (low >> _T16))


@compiled
def _hash_text(
    text: NDArray[np.uint8], size: int, words: NDArray[np.uint64], windows: NDArray[np.uint64]
) -> int:
    """Hash all windows of one text, in order, repeats included; returns their number. `words` is scratch."""
    number, inside, total, power = 0, False, _ZERO, _ONE
    for byte in text:
        if IS_WORD[byte]:
            total += (np.uint64(byte) + _ONE) * power
            power *= WORD_BASE
            inside = True
        elif inside:
            words[number] = _mix(total)
            number, inside, total, power = number + 1, False, _ZERO, _ONE
    if inside:
        words[number] = _mix(total)
        number += 1
    for first in range(number - size + 1):
        total, power = _ZERO, _ONE
        for word in words[first : first + size]:
            total += word * power
            power *= SHINGLE_BASE
        windows[first] = _mix(total)
    return max(number - size + 1, 0)


@compiled
def _most_words(offsets: NDArray[np.int64]) -> int:
    """How many words the longest text can have."""
    longest = 0
    for text in range(len(offsets) - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    return (longest + 1) // 2


@compiled
def sketch(
    data: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    size: int,
    factors: NDArray[np.uint32],
    summands: NDArray[np.uint32],
    rows: int,
    windows: NDArray[np.uint32],
    keys: NDArray[np.uint64],
) -> None:
    """Number of windows and band keys of each text.

    Args:
        data: the texts, end to end.
        offsets: where they start, and the end of the last: shape (texts + 1,).
        size: words in a shingle.
        factors: of the permutations; so are `summands`.
        rows: permutations in a band.
        windows: out, shape (texts,).
        keys: out, shape (texts, bands); untouched where a text has no window.
    """
    room = _most_words(offsets)
    words, hashed = np.empty(room, np.uint64), np.empty(room, np.uint64)
    mixed = np.empty(room, np.uint32)
    for text in range(len(windows)):
        count = _hash_text(data[offsets[text] : offsets[text + 1]], size, words, hashed)
        windows[text] = count
        if count == 0:
            continue
        for window in range(count):
            mixed[window] = _mix_low(hashed[window])
        for band in range(keys.shape[1]):
            total, power = _ZERO, _ONE
            for permutation in range(band * rows, (band + 1) * rows):
                factor, summand = factors[permutation], summands[permutation]
                smallest = _LARGEST
                for window in range(count):
                    smallest = min(smallest, np.uint32(mixed[window] * factor + summand))
                total += (np.uint64(smallest) + _ONE) * power
                power *= SHINGLE_BASE
            keys[text, band] = _mix(total)


@compiled
def hash_windows(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], size: int, windows: NDArray[np.uint64]
) -> NDArray[np.int64]:
    """Hash the windows of all texts into `windows`, text after text; returns where each starts, and the last end."""
    words = np.empty(_most_words(offsets), np.uint64)
    starts = np.zeros(len(offsets), np.int64)
    for text in range(len(offsets) - 1):
        count = _hash_text(data[offsets[text] : offsets[text + 1]], size, words, windows[starts[text] :])
        starts[text + 1] = starts[text] + count
    return starts


@compiled
def drop_repeats(windows: NDArray[np.uint64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move the distinct values of each sorted slice to its front; returns their number for each."""
    distinct = np.zeros(len(starts) - 1, np.int64)
    for text in range(len(distinct)):
        end = starts[text]
        for place in range(starts[text], starts[text + 1]):
            if place == starts[text] or windows[place] != windows[end - 1]:
                windows[end] = windows[place]
                end += 1
        distinct[text] = end - starts[text]
    return distinct


@compiled
def _jaccard(left: NDArray[np.uint64], right: NDArray[np.uint64], threshold: float) -> float:
    """The similarity of two sorted sets, or 0 where their sizes alone keep it below the threshold."""
    if min(len(left), len(right)) / max(len(left), len(right)) < threshold:
        return 0.0
    i, j, shared = 0, 0, 0
    # without branches: which side is behind is a coin toss
    while i < len(left) and j < len(right):
        a, b = left[i], right[j]
        shared += a == b
        i += a <= b
        j += b <= a
    return shared / (len(left) + len(right) - shared)


@compiled
def find_duplicates(
    groups: NDArray[np.int32],
    order: NDArray[np.int64],
    values: NDArray[np.uint64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    threshold: float,
    kept: NDArray[np.int64],
    similarities: NDArray[np.float64],
) -> None:
    """What `near_duplicates.find_duplicates` does.

    Args:
        groups: of `band_groups`, shape (texts, bands).
        order: the texts, the ones to keep first.
        values: shingles of the texts, each sorted without repetitions.
        starts: where those of a text start, by text; so `ends`.
        threshold: Jaccard similarity from which a text goes.
        kept: out, shape (len(order),): the text for which each of `order` goes, or -1.
        similarities: out, likewise.
    """
    # the kept texts of a group form a chain of ranks, the latest first
    latest = np.full(groups.max() + 1, _ALONE, np.int32)
    earlier = np.empty((len(order), groups.shape[1]), np.int32)
    seen_by = np.full(len(order), _ALONE, np.int32)
    for rank in range(len(order)):
        text, first = order[rank], len(order)
        mine = values[starts[text] : ends[text]]
        for band in range(groups.shape[1]):
            group = groups[text, band]
            other = latest[group] if group != _ALONE else _ALONE
            while other != _ALONE:
                if seen_by[other] != rank and other < first:
                    seen_by[other] = rank
                    index = order[other]
                    similarity = _jaccard(mine, values[starts[index] : ends[index]], threshold)
                    if similarity >= threshold:
                        first, kept[rank], similarities[rank] = other, index, similarity
                other = earlier[other, band]
        if first < len(order):
            continue
        kept[rank] = _ALONE
        for band in range(groups.shape[1]):
            group = groups[text, band]
            if group != _ALONE:
                earlier[rank, band] = latest[group]
                latest[group] = rank
