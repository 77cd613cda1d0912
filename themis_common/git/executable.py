"""Running the git executable so that neither our caller nor the repository can make it run something else.

Two layers. Every command gets a fresh environment and the options below. Above that, `repository.py` walks
history and reads blobs from a scratch git directory of its own, so that the repository's configuration,
hooks, attributes, grafts and replace refs are never even read there; only finding the object folder and the
refs looks at them.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from themis_common.errors import UserError
from themis_common.git.process_limits import ProcessLimits, impose

LOCATE_TIMEOUT_SECONDS = 60

DEFAULT_LIMITS = ProcessLimits(memory_bytes=1 << 30)
"""Enough for the history of a million commits."""

_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_PAGER": "cat",
    # A partial clone fetches what it lacks from the remote its own configuration names. Newer git can be told
    # not to; older git is kept from every transport, whatever protocol.*.allow says in the repository.
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "LC_ALL": "C",
}

_OPTIONS = (
    "--no-pager",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.commitGraph=false",
    "-c",
    "protocol.ext.allow=never",
    # The objects of a mounted volume usually belong to another user; nothing of that user is executed here.
    "-c",
    "safe.directory=*",
)


_OUT_OF_MEMORY = re.compile(r"^(?:fatal|error): .*(?:out of memory|cannot allocate memory)", re.IGNORECASE)


class GitFailedError(Exception):
    """A git command ended with a non-zero status; the text is the last line it wrote to its error stream."""


def environment(git_dir: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a git process that works on `git_dir`; of the caller's only PATH is kept."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        **_ENVIRONMENT,
        "GIT_DIR": str(git_dir),
        **(extra or {}),
    }


def command(arguments: Sequence[str]) -> list[str]:
    """The command line of git with these arguments."""
    return ["git", *_OPTIONS, *arguments]


def capture(
    arguments: Sequence[str],
    git_dir: Path,
    *,
    extra: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    limits: ProcessLimits = DEFAULT_LIMITS,
) -> bytes:
    """The standard output of a short git command.

    Raises:
        GitFailedError: the command failed.
        UserError: git is not installed, or did not answer within a minute.
    """
    with (
        tempfile.TemporaryFile() as errors,
        stream(
            arguments, git_dir, extra=extra, stdin=subprocess.PIPE, stderr=errors, limits=limits
        ) as process,
    ):
        try:
            output, _ = process.communicate(stdin, timeout=LOCATE_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise UserError(f"git {arguments[0]} on {git_dir} did not answer within a minute") from error
        if process.returncode:
            errors.seek(0)
            raise GitFailedError(last_line(errors.read()))
    return output


@contextmanager
def stream(
    arguments: Sequence[str],
    git_dir: Path,
    *,
    extra: Mapping[str, str] | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
    limits: ProcessLimits = DEFAULT_LIMITS,
) -> Iterator["subprocess.Popen[bytes]"]:
    """A running git command whose output is read as it comes; it is killed when the block is left early."""
    try:
        process = subprocess.Popen(
            command(arguments),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment(git_dir, extra),
            cwd="/",
        )
    except FileNotFoundError as error:
        raise UserError("the git executable is not on PATH: install git 2.36 or newer") from error
    try:
        impose(limits, process.pid)
        yield process
    finally:
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                # what is still buffered for a git that died cannot be delivered
                with suppress(BrokenPipeError):
                    pipe.close()
        if process.poll() is None:
            process.kill()
        process.wait()


def ran_out_of_memory(line: str) -> bool:
    """Whether a line of the error stream says that a process had less memory than it wanted."""
    return _OUT_OF_MEMORY.search(line) is not None


def last_line(output: bytes) -> str:
    """The last line of an error stream, printable."""
    lines = output.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "no message"
