"""Reading many blobs through one long-lived `git cat-file --batch-command` process.

One request is in flight at a time, and each is shorter than a pipe's buffer, so neither side can block the
other. The size is asked before the contents: a blob over the limit is never read.
"""

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen
from types import TracebackType
from typing import Self

from themis_common.git.executable import DEFAULT_LIMITS, stream
from themis_common.git.process_limits import ProcessLimits

OBJECT_ID = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Missing:
    """The object is not in this repository, or is no blob."""


@dataclass(frozen=True, slots=True)
class TooLarge:
    """The blob has more bytes than the reader's limit; it was not read."""

    size: int


@dataclass(frozen=True, slots=True)
class Damaged:
    """The object is there, but git cannot unpack it, or not in the memory that it may take."""


class BlobReader:
    """Contents of blobs by object id. A context manager; git runs from the first read to its end.

    Args:
        git_dir: the git directory to work in.
        extra: environment that gives access to the objects.
        max_bytes: larger blobs are reported as TooLarge without being read.
        limits: what git may take.
    """

    def __init__(
        self, git_dir: Path, extra: dict[str, str], max_bytes: int, limits: ProcessLimits = DEFAULT_LIMITS
    ) -> None:
        self._git_dir = git_dir
        self._extra = extra
        self._max_bytes = max_bytes
        self._limits = limits
        self._stack = ExitStack()
        self._process: Popen[bytes] | None = None

    def read(self, blob: str) -> bytes | Missing | TooLarge | Damaged:
        """The contents of `blob`, or why there are none; what is no object id is missing.

        Raises:
            RuntimeError: git was killed.
        """
        if not OBJECT_ID.fullmatch(blob):
            return Missing()
        match self._ask(f"info {blob}\n"):
            case [_, "blob", size]:
                if int(size) > self._max_bytes:
                    return TooLarge(int(size))
                return self._contents(blob, int(size))
            case [_, "missing"] | [_, "commit" | "tree" | "tag", _]:
                return Missing()
        return self._died()

    def _contents(self, blob: str, size: int) -> bytes | Damaged:
        if self._ask(f"contents {blob}\n") != [blob, "blob", str(size)]:
            return self._died()
        assert self._process is not None
        assert self._process.stdout is not None
        contents = self._process.stdout.read(size + 1)
        if len(contents) != size + 1:
            return self._died()
        assert contents.endswith(b"\n"), "git cat-file ends every object with a line feed"
        return contents[:-1]

    def _ask(self, request: str) -> list[str]:
        """The words of the line that git answers with; none when it died."""
        if self._process is None:
            command = stream(
                ["cat-file", "--batch-command"],
                self._git_dir,
                extra=self._extra,
                stdin=PIPE,
                limits=self._limits,
            )
            self._process = self._stack.enter_context(command)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(request.encode("ascii"))
            self._process.stdin.flush()
        except BrokenPipeError:
            return []
        return self._process.stdout.readline().decode("ascii", "replace").split()

    def _died(self) -> Damaged:
        """Git ends itself at an object that it cannot unpack; the next read starts it again."""
        assert self._process is not None
        status = self._process.wait()
        self._process = None
        self._stack.close()
        if status < 0:
            raise RuntimeError(f"git cat-file was killed by signal {-status}")
        return Damaged()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
