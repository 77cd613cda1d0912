"""One process at a time in a run folder: two would put their plans and records in place of each other's."""

import errno
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from themis_common.errors import UserError

_LOCK = ".lock"
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}


@contextmanager
def alone_in(root: Path) -> Iterator[None]:
    """Keep others out of a run folder, which exists, while the block lasts.

    The lock ends with the process, however that ends. Some file systems know no locks; nobody is kept out there.

    Raises:
        UserError: another run is at work in the folder.
    """
    with (root / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"--output: another run is at work in {root}; wait for its end, or choose another folder"
            ) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield
