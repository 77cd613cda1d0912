"""The store on a local disk: a temporary file beside the target, fsync, then one rename or link."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from themis_common.errors import UserError
from themis_common.store.base import AlreadyExistsError, Store, checked_name

_UNFINISHED = ".unfinished-"


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
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, unfinished = tempfile.mkstemp(prefix=_UNFINISHED, dir=target.parent)
        except (PermissionError, NotADirectoryError, FileExistsError) as error:
            reason = error.strerror or "not a folder"
            raise UserError(
                f"cannot write {target}: {reason.lower()}; choose a folder that can be written"
            ) from error
        except OSError as error:
            if error.errno == 30:  # a read-only file system has no exception class of its own
                raise UserError(
                    f"cannot write {target}: the file system is read-only; choose another folder"
                ) from error
            raise
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            # mkstemp makes files that only their owner reads; what is published has ordinary rights
            os.chmod(unfinished, 0o644)
            if exclusive:
                try:
                    os.link(unfinished, target)
                except FileExistsError as error:
                    raise AlreadyExistsError(f"{target} exists already") from error
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
