"""Reading `git log` as a stream of commits with their differences.

Every field ends with a NUL, which neither a message nor a path can hold, and the number of fields is known at
each point, so no name or message, however odd, can be taken for a frame.

Renames are not looked for: a rename is one deletion and one addition. That is exact, needs no contents (so
partial clones work) and cannot depend on a similarity threshold.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

FORMAT = "%H%x00%P%x00%ct%x00%an%x00%ae%x00%B"

COMMIT_OPTIONS = (
    "-z",
    "--no-show-signature",
    "--no-mailmap",
    "--no-decorate",
    "--no-notes",
    "--encoding=UTF-8",
    f"--format={FORMAT}",
)
"""For a log of commits without their differences."""

LOG_OPTIONS = (
    *COMMIT_OPTIONS,
    "--raw",
    "--root",
    "--no-abbrev",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--ignore-submodules=none",
    "--diff-merges=off",
)

REGULAR_MODES = frozenset({0o100644, 0o100755})
SYMLINK_MODE = 0o120000
SUBMODULE_MODE = 0o160000

MAX_FIELD_BYTES = 1 << 20
"""Of a longer message, name or path no more than this is held: whoever writes a commit can make it any size."""

MAX_DIFFERENCES = 16
"""Of more differences the first ones are held: a commit can have any number."""

_READ_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Difference:
    """One path that a commit changed against its first parent.

    `status` is A (added), D (deleted), M (modified) or T (changed its type). On the side where there is no
    file the mode is 0 and the blob all zeros.
    """

    status: str
    old_mode: int
    new_mode: int
    old_blob: str
    new_blob: str
    path: bytes


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit; `differences` is empty for merges. Texts are UTF-8 where git could convert them.

    `differences` are the first MAX_DIFFERENCES of `num_differences`, which is None where git cannot list them in the
    memory that it may take. `is_cut` tells that its message, a name or a path is longer than MAX_FIELD_BYTES, and is
    not all here.
    """

    sha: str
    parents: tuple[str, ...]
    unix_time: int
    author_name: bytes
    author_email: bytes
    message: bytes
    differences: tuple[Difference, ...]
    num_differences: int | None
    is_cut: bool = False


class CutShortError(Exception):
    """The output ended inside a record: git died before it was through."""


def parse_log(output: IO[bytes]) -> Iterator[Commit]:
    """The commits of a `git log` run with LOG_OPTIONS, or COMMIT_OPTIONS, in its order.

    Raises:
        CutShortError: the output ends inside a record.
    """
    fields = read_fields(output)
    sha = next(fields, None)
    while sha is not None:
        parents, seconds, name, email, message = _take(fields, 5)
        differences: list[Difference] = []
        num_differences = 0
        following = next(fields, None)
        # the list of differences is set off from the message by a line feed; a commit id starts with neither
        while following is not None and following.startswith((b"\n:", b":")):
            (path,) = _take(fields, 1)
            num_differences += 1
            if num_differences <= MAX_DIFFERENCES:
                differences.append(_difference(following.lstrip(b"\n"), path))
            following = next(fields, None)
        yield Commit(
            sha=sha.decode("ascii"),
            parents=tuple(parents.decode("ascii").split()),
            unix_time=int(seconds or 0),
            author_name=name,
            author_email=email,
            message=message,
            differences=tuple(differences),
            num_differences=num_differences,
            is_cut=any(map(_is_cut, (name, email, message, *(found.path for found in differences)))),
        )
        sha = following


def _take(fields: Iterator[bytes], count: int) -> list[bytes]:
    taken = list(itertools.islice(fields, count))
    if len(taken) < count:
        raise CutShortError("git log stopped inside a record")
    return taken


def _difference(entry: bytes, path: bytes) -> Difference:
    old_mode, new_mode, old_blob, new_blob, status = entry[1:].decode("ascii").split(" ")
    return Difference(status[:1], int(old_mode, 8), int(new_mode, 8), old_blob, new_blob, path)


def read_fields(output: IO[bytes]) -> Iterator[bytes]:
    """The NUL-terminated fields of a stream, long ones cut.

    Raises:
        CutShortError: the last field has no NUL.
    """
    rest = b""
    while chunk := output.read(_READ_BYTES):
        *whole, rest = (rest + chunk).split(b"\0")
        rest = _cut(rest)
        yield from map(_cut, whole)
    if rest:
        raise CutShortError("git stopped inside a field")


def _cut(field: bytes) -> bytes:
    """The field; of one that is too long the beginning, with one byte too many to tell."""
    return field[: MAX_FIELD_BYTES + 1]


def _is_cut(field: bytes) -> bool:
    return len(field) > MAX_FIELD_BYTES
