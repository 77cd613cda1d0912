"""Keys, digests and random numbers: the three places where runs must agree with each other.

Every row is identified by a key, compared by a digest, and treated at random by a generator that depends on
nothing but (seed, key, purpose). That makes a run independent of shards, workers and restarts.
"""

import hashlib
import json
import random
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

KEY_CHARS = 32
_SUM_BYTES = 256
_BLOCK = 1 << 20


def canonical_json(value: Any) -> str:
    """Render plain data the same way every time: sorted keys, no blanks, no NaN.

    Raises:
        ValueError: `value` holds NaN or an infinity.
        TypeError: `value` holds something that JSON does not know.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_of(value: Any) -> str:
    """SHA-256 (64 hex characters) of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def stream_digest(stream: BinaryIO) -> str:
    """SHA-256 (64 hex characters) of what is left of a stream, which is read in blocks."""
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 (64 hex characters) of the bytes of a local file."""
    with path.open("rb") as stream:
        return stream_digest(stream)


def row_key(*parts: str | int) -> str:
    """The key of the row that `parts` identify: 32 hex characters. ("a", "bc") and ("ab", "c") differ."""
    assert parts, "a row is identified by at least one value"
    return hashlib.sha256(_encode(list(parts))).hexdigest()[:KEY_CHARS]


def rng(seed: int, key: str, purpose: str) -> random.Random:
    """A generator for one decision about one row; equal arguments give equal draws in every process."""
    state = hashlib.sha256(_encode([seed, key, purpose])).digest()
    return random.Random(int.from_bytes(state, "big"))


def _encode(value: Any) -> bytes:
    """An injective byte encoding of a table cell: a type tag, a length where needed, then the content."""
    match value:
        case None:
            return b"n"
        case bool():
            return b"t" if value else b"f"
        case int():
            text = str(value).encode()
            return b"i%d:%s" % (len(text), text)
        case float():
            return b"d" + struct.pack("<d", value)
        case str():
            text = value.encode()
            return b"s%d:%s" % (len(text), text)
        case bytes():
            return b"b%d:%s" % (len(value), value)
        case Mapping():
            cells = b"".join(_encode(key) + _encode(value[key]) for key in sorted(value))
            return b"m%d:%s" % (len(value), cells)
        case Sequence():
            return b"l%d:%s" % (len(value), b"".join(_encode(item) for item in value))
    raise TypeError(f"a table cell of type {type(value).__name__} has no digest")


class ContentDigest:
    """A digest over a multiset of rows that does not depend on their order or on how they are sharded.

    Each row is hashed to 2,048 bits and the hashes are added modulo 2^2048, so the digests of shards merge by
    addition: gathering a sharded dataset neither sorts nor reads it again. The modulus is wide enough that
    rows cannot be crafted to cancel each other (generalised birthday attacks need far more than 2^60 rows).
    """

    def __init__(self, rows: int = 0, total: int = 0) -> None:
        self.rows = rows
        self._sum = total

    def add(self, cells: Iterable[Any]) -> None:
        """Count one row, given by its cells in schema order."""
        hashed = hashlib.shake_256(_encode(list(cells))).digest(_SUM_BYTES)
        self._sum = (self._sum + int.from_bytes(hashed, "big")) % (1 << 8 * _SUM_BYTES)
        self.rows += 1

    def merge(self, other: "ContentDigest") -> None:
        """Count the rows of another part of the same dataset."""
        self._sum = (self._sum + other._sum) % (1 << 8 * _SUM_BYTES)
        self.rows += other.rows

    def state(self) -> dict[str, Any]:
        """What a shard's marker keeps so that `from_state` can restore this part."""
        return {"rows": self.rows, "sum": self._sum.to_bytes(_SUM_BYTES, "big").hex()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> "ContentDigest":
        """The part that `state` was taken from."""
        return cls(rows=int(state["rows"]), total=int(state["sum"], 16))

    def hexdigest(self) -> str:
        """64 hex characters."""
        content = self.rows.to_bytes(8, "big") + self._sum.to_bytes(_SUM_BYTES, "big")
        return hashlib.sha256(content).hexdigest()
