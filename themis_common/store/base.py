"""The store interface: a folder whose files appear whole or not at all.

Stages know locations (URIs) and this interface, nothing else; whether the bytes are on a disk or in a bucket is
decided in `open.py` alone. Names inside a store are relative, use `/`, and never climb out.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO

from themis_common.errors import UserError


class AlreadyExistsError(FileExistsError):
    """An exclusive create lost: the file was there first."""


def checked_name(name: str) -> str:
    """`name` itself when it is a relative path that stays inside its folder.

    Raises:
        UserError: the name is empty, absolute, or has an empty, `.` or `..` part.
    """
    if any(part in {"", ".", ".."} for part in name.split("/")) or "\0" in name:
        raise UserError(f"{name!r} is no file name inside a store: use a relative path without '.' and '..'")
    return name


class Store(ABC):
    """A folder at `uri`.

    Every write is atomic: a reader sees the old content, the new content, or no file, whatever happens to the
    writer. Errors of the medium surface as OSError.
    """

    uri: str

    @abstractmethod
    def child(self, name: str) -> "Store":
        """The folder `name` inside this one (it need not exist)."""

    @abstractmethod
    def read_bytes(self, name: str) -> bytes:
        """The whole file.

        Raises:
            FileNotFoundError: there is no such file.
        """

    @abstractmethod
    def open_read(self, name: str) -> BinaryIO:
        """The file as a seekable stream; the caller closes it.

        Raises:
            FileNotFoundError: there is no such file.
        """

    @abstractmethod
    def open_write(self, name: str, *, exclusive: bool = False) -> AbstractContextManager[BinaryIO]:
        """A stream whose bytes become the file when the block ends without an exception.

        Raises:
            AlreadyExistsError: on leaving the block, when `exclusive` and the file exists by then.
        """

    def write_bytes(self, name: str, data: bytes, *, exclusive: bool = False) -> None:
        """Write the whole file.

        Raises:
            AlreadyExistsError: `exclusive` and the file exists.
        """
        with self.open_write(name, exclusive=exclusive) as stream:
            stream.write(data)

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether there is a file `name`."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Bytes of the file.

        Raises:
            FileNotFoundError: there is no such file.
        """

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[str]:
        """The names of all finished files below this folder that start with `prefix`, sorted."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove the file if it is there."""
