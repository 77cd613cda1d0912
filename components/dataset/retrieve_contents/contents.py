"""What the bytes of the two versions of a file come to: texts, or a named reason why there is no pair of texts.

Source: facts/dataset.md sections 6 and 16.1 rows 9 to 11. Nothing is repaired or guessed: bytes that are no UTF-8
make the row go, because text with holes would be training data that nobody wrote.
"""

from dataclasses import dataclass

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True)
class Texts:
    """Both versions of a file."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why a pair of versions is no training data; `side` is old, new or both."""

    reason: str
    side: str


REASONS = ("lfs_pointer", "binary", "non_utf8", "empty", "identical")


def read_texts(old: bytes, new: bytes) -> Texts | Unusable:
    """Decode both versions strictly, or give the first reason (one of REASONS) that applies."""
    for side, data in (("old", old), ("new", new)):
        if data.startswith(_LFS_POINTER):
            return Unusable("lfs_pointer", side)
        if b"\0" in data:
            return Unusable("binary", side)
    decoded = []
    for side, data in (("old", old), ("new", new)):
        try:
            decoded.append(data.decode("utf-8"))
        except UnicodeDecodeError:
            return Unusable("non_utf8", side)
        if not decoded[-1].strip():
            return Unusable("empty", side)
    if decoded[0].replace("\r\n", "\n") == decoded[1].replace("\r\n", "\n"):
        return Unusable("identical", "both")
    return Texts(*decoded)
