"""Reading the sample repositories with plain git, independently of the code under test and of the pipeline."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

CODE_EXTENSIONS = (b".py", b".js", b".rb", b".go", b".java", b".cs", b".c", b".h", b".cpp")


@dataclass(frozen=True)
class Change:
    """One entry of the difference between a commit and its first parent."""

    old_mode: bytes
    new_mode: bytes
    old_blob: bytes
    new_blob: bytes
    status: bytes
    path: bytes


@dataclass(frozen=True)
class LoggedCommit:
    """A commit with its message and its changes; merges have no changes."""

    sha: bytes
    parents: tuple[bytes, ...]
    author: bytes
    unix_time: int
    message: bytes
    changes: tuple[Change, ...]


def git(repository: Path, *arguments: str) -> bytes:
    return subprocess.run(
        ["git", f"--git-dir={repository}", *arguments], check=True, capture_output=True
    ).stdout


def read_log(repository: Path) -> list[LoggedCommit]:
    """All commits, newest first; renames stand as an addition and a deletion."""
    form = "--format=%x01%H%x02%P%x02%an%x02%ct%x02%B%x03"
    raw = git(repository, "log", "--raw", "-z", "--no-renames", "--no-abbrev", "--root", form)
    return [_commit(text) for text in raw.split(b"\x01")[1:]]


def _commit(text: bytes) -> LoggedCommit:
    head, _, tail = text.partition(b"\x03")
    sha, parents, author, time, message = head.split(b"\x02")
    fields = tail.strip(b"\n\0").split(b"\0") if tail.strip(b"\n\0") else []
    changes = []
    for entry, path in zip(fields[::2], fields[1::2], strict=True):
        old_mode, new_mode, old_blob, new_blob, status = entry.lstrip(b"\n").lstrip(b":").split(b" ")
        changes.append(Change(old_mode, new_mode, old_blob, new_blob, status, path))
    return LoggedCommit(sha, tuple(parents.split()), author, int(time), message.strip(), tuple(changes))


def blob(repository: Path, sha: bytes) -> bytes:
    return git(repository, "cat-file", "blob", sha.decode())


def single_code_changes(repository: Path) -> list[tuple[LoggedCommit, Change]]:
    """Commits that modify one code file in place and say so in more than ten characters."""
    found = []
    for commit in read_log(repository):
        if len(commit.changes) != 1 or len(commit.message) <= 10 or len(commit.parents) != 1:
            continue
        change = commit.changes[0]
        regular = change.status == b"M" and change.new_mode.startswith(b"100")
        if regular and change.old_blob != change.new_blob and change.path.endswith(CODE_EXTENSIONS):
            found.append((commit, change))
    return found
