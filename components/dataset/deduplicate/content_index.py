"""The distinct contents of a dataset, each with the row that may stay and the band keys of its signature.

Held for the whole dataset: see the README for the bytes of a row; texts are not kept.
"""

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from themis_common.text.engine import Sketcher

Keep = Literal["earliest", "longest"]
Place = tuple[int, int, str]
"""Where a row stands among rows alike, the one to keep first: preference, time, key."""

BATCH_BYTES = 4 << 20
"""How much text is handed to an engine at once."""


class ContentIndex:
    """Rows added one by one, then `finish`; contents are numbered from 0 in the order in which they were first seen.

    Args:
        sketcher: makes the sketches.
        keep: which of several contents alike is to stay; equals are settled by time, then by row key.
    """

    def __init__(self, sketcher: Sketcher, keep: Keep) -> None:
        self._sketcher = sketcher
        self._keep = keep
        self._numbers: dict[bytes, int] = {}
        self._row_keys: list[str] = []
        self._content_of_row = array("I")
        self._first_rows: list[Place] = []
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._signed = array("I")
        self._num_shingles = array("I")
        self._keys = bytearray()
        self._bands = 0

    def add(self, row_key: str, unix_time: int, text: str) -> None:
        """Note a row and its content."""
        data = text.encode("utf-8")
        number = self._numbers.setdefault(hashlib.blake2b(data, digest_size=16).digest(), len(self._numbers))
        self._row_keys.append(row_key)
        self._content_of_row.append(number)
        place = (-len(data) if self._keep == "longest" else 0, unix_time, row_key)
        if number < len(self._first_rows):
            self._first_rows[number] = min(self._first_rows[number], place)
            return
        self._first_rows.append(place)
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes >= BATCH_BYTES:
            self.finish()

    def finish(self) -> None:
        """Sketch what has not been sketched yet."""
        sketches = self._sketcher.sketch(self._pending)
        first = len(self._first_rows) - len(self._pending)
        # a text shorter than a shingle has no signature: only its exact copies are duplicates of it
        signed = np.flatnonzero(sketches.num_shingles)
        self._signed.frombytes((signed + first).astype(np.uint32).tobytes())
        self._num_shingles.frombytes(sketches.num_shingles[signed].tobytes())
        self._keys += sketches.keys.tobytes()
        self._bands = sketches.keys.shape[1]
        self._pending, self._pending_bytes = [], 0

    @property
    def rows(self) -> Iterator[tuple[str, int]]:
        """The key of every row and the number of its content."""
        return zip(self._row_keys, self._content_of_row, strict=True)

    @property
    def signed(self) -> Sequence[int]:
        """The numbers of the contents that have a signature."""
        return self._signed

    def num_shingles(self) -> NDArray[np.uint32]:
        """How many shingles the signed contents have at most, in the order of `signed`."""
        return np.frombuffer(self._num_shingles, dtype=np.uint32)

    def first_row(self, number: int) -> Place:
        """The row of that content that stays if the content does."""
        return self._first_rows[number]

    def band_keys(self) -> NDArray[np.uint64]:
        """Band keys of the signed contents, in the order of `signed`: shape (contents, bands)."""
        return np.frombuffer(self._keys, dtype=np.uint64).reshape(-1, self._bands)
