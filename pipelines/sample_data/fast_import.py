"""Write a whole history into a new bare repository in one go, through `git fast-import`.

The stream goes over standard input and git reads no configuration of the machine, so that equal commits have
equal shas everywhere. File names are bytes and are quoted as git quotes them: any name git knows can be
written, and none of them ever becomes a file on this machine or a word of a shell.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from themis_common.errors import UserError

REGULAR = b"100644"
EXECUTABLE = b"100755"
SYMLINK = b"120000"
GITLINK = b"160000"

BRANCH = b"refs/heads/main"


@dataclass(frozen=True)
class Person:
    """Who wrote a commit."""

    name: str
    email: str


@dataclass(frozen=True)
class Write:
    """A file as it is after the commit; for SYMLINK the content is its target, for GITLINK a sha in hex."""

    path: bytes
    content: bytes
    mode: bytes = REGULAR


@dataclass(frozen=True)
class Delete:
    """A file that the commit takes away."""

    path: bytes


@dataclass(frozen=True)
class Rename:
    """A file that the commit moves with its content."""

    old: bytes
    new: bytes


@dataclass(frozen=True)
class Commit:
    """One commit; `parents` are positions in the list of commits, `unix_time` is in seconds, author and committer."""

    message: str
    author: Person
    unix_time: int
    parents: tuple[int, ...]
    changes: tuple[Write | Delete | Rename, ...]


def create_repository(folder: Path, commits: Sequence[Commit]) -> None:
    """Make the bare repository `folder` with these commits; `main` points to the last one.

    Raises:
        UserError: there is no git on this machine.
    """
    _git(["init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(folder)], b"")
    stream = b"".join(_commit(number, commit) for number, commit in enumerate(commits)) + b"done\n"
    _git(
        [f"--git-dir={folder}", "-c", "fastimport.unpackLimit=0", "fast-import", "--quiet", "--done"], stream
    )


def _git(arguments: list[str], stdin: bytes) -> None:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "LC_ALL": "C",
    }
    try:
        subprocess.run(["git", *arguments], input=stdin, env=environment, check=True, capture_output=True)
    except FileNotFoundError:
        raise UserError(
            "the sample data are git repositories, but there is no git here: install git"
        ) from None


def _commit(number: int, commit: Commit) -> bytes:
    author = f"{commit.author.name} <{commit.author.email}> {commit.unix_time} +0000"
    # Without a reset, a commit that names no parent would go on top of the newest one.
    begin = [] if commit.parents else [b"reset " + BRANCH, b""]
    lines = [
        *begin,
        b"commit " + BRANCH,
        b"mark :%d" % _mark(number),
        b"author " + author.encode(),
        b"committer " + author.encode(),
        _data(commit.message.encode()),
    ]
    for keyword, parent in zip([b"from", *[b"merge"] * len(commit.parents)], commit.parents, strict=False):
        lines.append(b"%s :%d" % (keyword, _mark(parent)))
    lines += [_change(change) for change in commit.changes]
    return b"\n".join(lines) + b"\n\n"


def _mark(number: int) -> int:
    """Marks begin at 1."""
    return number + 1


def _change(change: Write | Delete | Rename) -> bytes:
    match change:
        case Write(path, content, mode) if mode == GITLINK:
            return b"M %s %s %s" % (mode, content, _quoted(path))
        case Write(path, content, mode):
            return b"M %s inline %s\n%s" % (mode, _quoted(path), _data(content))
        case Delete(path):
            return b"D " + _quoted(path)
        case Rename(old, new):
            return b"R %s %s" % (_quoted(old), _quoted(new))


def _data(content: bytes) -> bytes:
    return b"data %d\n%s" % (len(content), content)


def _quoted(path: bytes) -> bytes:
    """The path as a C string, in which every byte outside printable ASCII is an octal escape."""
    quoted = b'"'
    for byte in path:
        if byte in b'"\\':
            quoted += b"\\" + bytes([byte])
        elif 0x20 <= byte < 0x7F:
            quoted += bytes([byte])
        else:
            quoted += b"\\%03o" % byte
    return quoted + b'"'
