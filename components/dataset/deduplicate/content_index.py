"""The distinct contents of a dataset, each with its earliest row and the band keys of its signature.

Held for the whole dataset: some 0.7 kB a row (see the README); texts are not kept.
"""

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from themis_common.text.minhash import band_keys, choose_bands, signature
from themis_common.text.shingles import shingle_hashes


@dataclass(frozen=True, kw_only=True)
class Signing:
    """How signatures are made; the defaults of the stage are those of facts/dataset.md section 7."""

    shingle_size: int
    permutations: int
    seed: int
    bands: int
    rows: int

    @classmethod
    def choose(
        cls,
        *,
        threshold: float,
        shingle_size: int,
        permutations: int,
        seed: int,
        false_positive_weight: float,
    ) -> "Signing":
        """With the bands and rows that serve `threshold` best."""
        bands, rows = choose_bands(threshold, permutations, false_positive_weight=false_positive_weight)
        return cls(shingle_size=shingle_size, permutations=permutations, seed=seed, bands=bands, rows=rows)


class ContentIndex:
    """Rows added one by one; contents are numbered from 0 in the order in which they were first seen."""

    def __init__(self, signing: Signing) -> None:
        self._signing = signing
        self._numbers: dict[bytes, int] = {}
        self._row_keys: list[str] = []
        self._content_of_row = array("I")
        self._earliest: list[tuple[int, str]] = []
        self._signed = array("I")
        self._keys = bytearray()

    def add(self, row_key: str, unix_time: int, text: str) -> None:
        """Note a row and its content."""
        data = text.encode("utf-8")
        number = self._numbers.setdefault(hashlib.blake2b(data, digest_size=16).digest(), len(self._numbers))
        self._row_keys.append(row_key)
        self._content_of_row.append(number)
        place = (unix_time, row_key)
        if number < len(self._earliest):
            self._earliest[number] = min(self._earliest[number], place)
            return
        self._earliest.append(place)
        # a text shorter than a shingle has no signature: only its exact copies are duplicates of it
        shingles = shingle_hashes(text, self._signing.shingle_size)
        if len(shingles):
            values = signature(shingles, self._signing.permutations, self._signing.seed)
            self._signed.append(number)
            self._keys += band_keys(values, self._signing.bands, self._signing.rows).tobytes()

    @property
    def rows(self) -> Iterator[tuple[str, int]]:
        """The key of every row and the number of its content."""
        return zip(self._row_keys, self._content_of_row, strict=True)

    @property
    def signed(self) -> Sequence[int]:
        """The numbers of the contents that have a signature."""
        return self._signed

    def earliest(self, number: int) -> tuple[int, str]:
        """Time and key of the earliest row with that content; equal times are settled by the key."""
        return self._earliest[number]

    def band_keys(self) -> NDArray[np.uint64]:
        """Band keys of the signed contents, in the order of `signed`: shape (contents, bands)."""
        return np.frombuffer(self._keys, dtype=np.uint64).reshape(-1, self._signing.bands)
