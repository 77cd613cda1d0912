"""The store on a local disk: a temporary file beside the target, fsync, then one rename or link."""

import errno
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from themis_common.errors import UserError
from themis_common.store.base import AlreadyExistsError, Store, checked_name

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_UNFINISHED = ".unfinished-"
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS}


_REMEDIES = {
    errno.EACCES: "choose a folder that can be written",
    errno.EPERM: "choose a folder that can be written",
    errno.ENOTDIR: "choose a folder that can be written",
    errno.ENAMETOOLONG: "choose a folder that can be written",
    # what folders say in which none can be made (/proc)
    errno.ENOENT: "choose a folder that can be written",
    errno.EEXIST: "choose a folder that can be written",
    errno.EROFS: "choose a folder that can be written",
    errno.ENOSPC: "free some and run again; finished work is kept",
    errno.EDQUOT: "free some and run again; finished work is kept",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f) and run again; finished work is kept",
}
"""What a person can do about an error of the file system, by its number."""


class LocalStore(Store):
    """A folder of the local file system; made on the first write."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.uri = str(self.root)

    def child(self, name: str) -> "LocalStore":
        return LocalStore(self.root / checked_name(name))

    def read_bytes(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    def open_read(self, name: str) -> BinaryIO:
        return self._path(name).open("rb")

    @contextmanager
    def open_write(self, name: str, *, exclusive: bool = False) -> Iterator[BinaryIO]:
        target = self._path(name)
        with _explained(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, unfinished = tempfile.mkstemp(prefix=_UNFINISHED, dir=target.parent)
        try:
            with io.BufferedWriter(_TargetFile(handle, target)) as stream:
                yield stream
                stream.flush()
                with _explained(target):
                    os.fsync(stream.fileno())
            # mkstemp makes files that only their owner reads; what is published has ordinary rights
            os.chmod(unfinished, 0o644)
            if exclusive:
                _create(target, Path(unfinished))
            else:
                os.replace(unfinished, target)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(unfinished)

    def exists(self, name: str) -> bool:
        return self._path(name).is_file()

    def size(self, name: str) -> int:
        return self._path(name).stat().st_size

    def list(self, prefix: str = "") -> Iterator[str]:
        if not self.root.is_dir():
            return
        names = []
        for folder, _, files in os.walk(self.root):
            for file in files:
                name = (Path(folder) / file).relative_to(self.root).as_posix()
                if name.startswith(prefix) and not file.startswith(_UNFINISHED):
                    names.append(name)
        yield from sorted(names)

    def delete(self, name: str) -> None:
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.root / checked_name(name)


class _TargetFile(io.FileIO):
    """A file whose write errors name the file that it will become; errors of the caller's block stay as they are."""

    def __init__(self, handle: int, target: Path) -> None:
        super().__init__(handle, "wb")
        self._target = target

    def write(self, data: "Buffer", /) -> int:
        with _explained(self._target):
            return super().write(data)


def _create(target: Path, source: Path) -> None:
    """Make `target` from `source`, unless there is such a file."""
    try:
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # a mounted bucket: there, a file that is created exclusively appears as a whole when it is closed
            with source.open("rb") as written, target.open("xb") as created:
                shutil.copyfileobj(written, created)
    except FileExistsError as error:
        raise AlreadyExistsError(f"{target} exists already") from error


@contextmanager
def _explained(target: Path) -> Iterator[None]:
    """Turn errors that only the user can mend into one line about `target`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REMEDIES:
            raise
        reason = (error.strerror or "it cannot be written").lower()
        raise UserError(f"cannot write {target}: {reason}; {_REMEDIES[error.errno]}") from error
