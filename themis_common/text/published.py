"""The published near-deduplication bit for bit, for those who want to reproduce it (facts/dataset.md section 7).

It differs from ours in four ways, each of which loses texts that resemble nothing that stays: every single separator
splits, so that blanks are tokens; texts too short for a shingle share one signature and form one cluster; candidates
are not verified; and clusters chain. Its permutations wrap at 64 bits inside a modulus, which is datasketch's scheme
`legacy`.
"""

import functools
import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from themis_common.text.engine import Signing, Sketches
from themis_common.text.near_duplicates import ALONE

_SEPARATOR = re.compile(r"[^A-Za-z_0-9]")
_FEWEST_TOKENS = 5
_SHINGLES_AT_ONCE = 4096


def published_tokens(text: str) -> list[str]:
    """What lies between single separators, empty strings included."""
    return _SEPARATOR.split(text)


def published_shingles(text: str, size: int) -> set[bytes]:
    """All windows of `size` tokens, joined by blanks; none for a text of fewer than five tokens."""
    tokens = published_tokens(text)
    if len(tokens) < _FEWEST_TOKENS:
        return set()
    return {
        " ".join(tokens[start : start + size]).encode("utf-8", "surrogatepass")
        for start in range(len(tokens) - size + 1)
    }


def published_signature(shingles: Iterable[bytes], permutations: int, seed: int) -> NDArray[np.uint64]:
    """Shape (permutations,), values up to 2^32 - 1, which is what all of them are where there is no shingle."""
    minhash = _prototype(permutations, seed).copy()
    ordered = sorted(shingles)
    for start in range(0, len(ordered), _SHINGLES_AT_ONCE):
        minhash.update_batch(ordered[start : start + _SHINGLES_AT_ONCE])
    values: NDArray[np.uint64] = minhash.hashvalues
    return values


def published_clusters(groups: NDArray[np.int32], order: Sequence[int]) -> dict[int, int]:
    """The texts to remove and the one that stays of their cluster, by index.

    Args:
        groups: of `near_duplicates.band_groups`; texts in one group are in one cluster.
        order: all indices; the first of a cluster stays. The published code takes the order of the input.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    texts, bands = np.nonzero(groups != ALONE)
    # a graph of texts and groups: the groups are numbered after the texts
    ends = len(groups) + groups[texts, bands].astype(np.int64)
    size = int(ends.max(initial=len(groups) - 1)) + 1
    _, cluster_of = connected_components(
        coo_array((np.ones(len(texts), dtype=bool), (texts, ends)), shape=(size, size)), directed=False
    )
    kept: dict[int, int] = {}
    removed: dict[int, int] = {}
    for index in order:
        first = kept.setdefault(int(cluster_of[index]), index)
        if first != index:
            removed[index] = first
    return removed


class PublishedSketcher:
    """See `engine.Sketcher`; texts without shingles have a signature like all others."""

    def __init__(self, signing: Signing) -> None:
        self._signing = signing

    def sketch(self, texts: Sequence[bytes]) -> Sketches:
        """Sketch a batch of texts in UTF-8."""
        signing = self._signing
        sets = [published_shingles(text.decode("utf-8"), signing.shingle_size) for text in texts]
        keys = [
            _band_keys(published_signature(each, signing.permutations, signing.seed), signing)
            for each in sets
        ]
        return Sketches(
            num_shingles=np.array([max(len(each), 1) for each in sets], dtype=np.uint32),
            keys=np.array(keys, dtype=np.uint64).reshape(-1, signing.bands),
        )


def _band_keys(values: NDArray[np.uint64], signing: Signing) -> list[int]:
    """A cryptographic key for each band: candidates are not verified, so different bands must not meet."""
    bands = values[: signing.bands * signing.rows].reshape(signing.bands, signing.rows)
    return [
        int.from_bytes(hashlib.blake2b(band.astype("<u8").tobytes(), digest_size=8).digest(), "little")
        for band in bands
    ]


@functools.lru_cache(maxsize=4)
def _prototype(permutations: int, seed: int) -> Any:
    """A MinHash whose permutations every copy shares; its hash is SHA-1, first four bytes, little-endian."""
    from datasketch import MinHash

    return MinHash(num_perm=permutations, seed=seed, scheme="legacy")
