"""One local repository, opened so that nothing in it is executed or obeyed.

Finding the object folder and the refs is the only time git looks into the repository's own git directory.
Everything else runs in a scratch git directory that borrows the objects and has a configuration of its own:
settings such as core.fsmonitor, diff.external, filters, hooks, pagers, signature programs, grafts, replace
refs and promisor remotes therefore do not exist as far as the walk is concerned.
"""

import functools
import io
import itertools
import signal
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import DEVNULL
from typing import IO

from themis_common.errors import UserError
from themis_common.git.blobs import BlobReader
from themis_common.git.executable import (
    DEFAULT_LIMITS,
    GitFailedError,
    capture,
    last_line,
    ran_out_of_memory,
    stream,
)
from themis_common.git.history import (
    COMMIT_OPTIONS,
    LOG_OPTIONS,
    Commit,
    CutShortError,
    parse_log,
    read_fields,
)
from themis_common.git.process_limits import ProcessLimits
from themis_common.hashing import digest_of

_COMMITS_AT_ONCE = 2_000
"""In one `git log`: it holds all that it is asked for in memory, and is asked again where it ran out of it."""


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """A file or folder at the top of a tree; `kind` is blob, tree or commit (a submodule)."""

    mode: int
    kind: str
    id: str
    name: bytes


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where git keeps what of a repository, and the commit of its HEAD."""

    git_dir: Path
    objects: Path
    shallow: Path
    object_format: str
    head: str


class _OutOfMemoryError(UserError):
    """Git wanted more memory, or a deeper stack, than it may take."""


class GitRepository:
    """An opened repository; see `open`."""

    def __init__(self, path: Path, layout: _Layout, limits: ProcessLimits, stack: ExitStack) -> None:
        self.path = path
        self.head = layout.head
        self.shallow_edges = _read_shallow(layout.shallow)
        """Commits of a shallow clone whose parents were not fetched; git reports them without parents."""
        self._layout = layout
        self._limits = limits
        self._stack = stack
        self._borrowed = {"GIT_OBJECT_DIRECTORY": str(layout.objects)}

    @classmethod
    @contextmanager
    def open(cls, path: Path, limits: ProcessLimits = DEFAULT_LIMITS) -> Iterator["GitRepository"]:
        """Open the repository whose work tree or git directory is `path` (not one above it).

        Args:
            limits: what each git process that reads it may take.

        Raises:
            UserError: `path` is no git repository, git cannot read it, or it has no commits.
        """
        with ExitStack() as stack:
            yield cls(path, _locate(path), limits, stack)

    @functools.cached_property
    def _scratch(self) -> Path:
        """A git directory without anything of the repository's but where its shallow clone ends."""
        scratch = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="themis-git-")))
        form = f"--object-format={self._layout.object_format}"
        capture(["init", "--quiet", "--bare", "--template=", form], scratch)
        if self.shallow_edges:
            edges = "".join(f"{sha}\n" for sha in sorted(self.shallow_edges))
            (scratch / "shallow").write_text(edges)
        return scratch

    def tips(self, history: str) -> list[str]:
        """The commits that the walk starts from, sorted.

        Args:
            history: "head" for HEAD alone, "branches" for all local and remote branches with it.
        """
        if history == "head":
            return [self.head]
        assert history == "branches", history
        form = "--format=%(objecttype) %(objectname)"
        listed = capture(["for-each-ref", form, "refs/heads", "refs/remotes"], self._layout.git_dir)
        pairs = (line.split() for line in listed.decode("ascii").splitlines())
        return sorted({self.head, *(sha for kind, sha in pairs if kind == "commit")})

    def refs_digest(self, history: str) -> str:
        """A digest of all that decides which commits a walk meets: the fingerprint of the content."""
        return digest_of({"tips": self.tips(history), "shallow": sorted(self.shallow_edges)})

    def commit_ids(self, tips: Iterable[str], *, roots_only: bool = False) -> Iterator[str]:
        """Every commit reachable from `tips`, children before parents; with `roots_only` those without parents.

        Raises:
            UserError: an object is missing or damaged, or the history takes more memory than git has.
        """
        options = ["--max-parents=0"] if roots_only else ["--topo-order"]
        with self._read(["rev-list", *options, "--stdin"], tips) as output:
            for line in output:
                yield line.decode("ascii").rstrip("\n")

    def commits(self, shas: Iterable[str]) -> Iterator[Commit]:
        """The commits `shas` in that order, with their differences.

        Raises:
            UserError: an object is missing or damaged, or takes more memory than git has.
        """
        left = iter(shas)
        while batch := list(itertools.islice(left, _COMMITS_AT_ONCE)):
            yield from self._batch(batch)

    def _batch(self, shas: list[str]) -> Iterator[Commit]:
        done = 0
        while done < len(shas):
            try:
                for commit in self._log(shas[done:]):
                    yield commit
                    done += 1
                return
            except _OutOfMemoryError:
                # either the commit that may not be here whole, or the next one
                yield from map(self._alone, shas[done : done + 2])
                done += 2

    def _log(self, shas: list[str], options: Sequence[str] = LOG_OPTIONS) -> Iterator[Commit]:
        """Commits that git has written whole: the last one is told from half of one by git's good end."""
        last = None
        with self._read(["log", "--no-walk=unsorted", "--stdin", *options], shas) as output:
            for commit in parse_log(output):
                if last is not None:
                    yield last
                last = commit
        if last is not None:
            yield last

    def _alone(self, sha: str) -> Commit:
        """One commit; without differences where those of it alone are too many."""
        try:
            (commit,) = self._log([sha])
        except _OutOfMemoryError:
            (commit,) = self._log([sha], COMMIT_OPTIONS)
            commit = replace(commit, num_differences=None)
        return commit

    def holds_any(self, ids: Iterable[str]) -> bool:
        """Whether any object of these ids is here."""
        question = "".join(f"{object_id}\n" for object_id in ids).encode("ascii")
        check = ["cat-file", "--batch-check=%(objectname)", "--buffer"]
        answers = capture(check, self._scratch, extra=self._borrowed, stdin=question, limits=self._limits)
        return any(not line.endswith(b" missing") for line in answers.splitlines())

    def top_level(self) -> Iterator[TreeEntry]:
        """What lies at the top of the tree of HEAD.

        Raises:
            UserError: the tree is missing or damaged, or takes more memory than git has.
        """
        with self._run(["ls-tree", "-z", self.head]) as output:
            for record in read_fields(output):
                described, _, name = record.partition(b"\t")
                mode, kind, object_id = described.decode("ascii").split(" ")
                yield TreeEntry(int(mode, 8), kind, object_id, name)

    def blob_reader(self, max_bytes: int) -> BlobReader:
        """A reader of blobs (a context manager); larger ones than `max_bytes` are not read."""
        return BlobReader(self._scratch, self._borrowed, max_bytes, self._limits)

    @contextmanager
    def _read(self, arguments: list[str], lines: Iterable[str]) -> Iterator[IO[bytes]]:
        """The output of a command that takes object ids on its standard input.

        The ids are a file, as the error stream is, so that no pipe can fill up while we read another one.
        """
        with tempfile.TemporaryFile() as ids:
            ids.writelines(line.encode("ascii") + b"\n" for line in lines)
            if not ids.tell():
                # without a single id git would fall back on the HEAD of the scratch directory
                yield io.BytesIO()
                return
            ids.seek(0)
            with self._run(arguments, ids) as output:
                yield output

    @contextmanager
    def _run(self, arguments: list[str], stdin: int | IO[bytes] = DEVNULL) -> Iterator[IO[bytes]]:
        """The output of a command; checks its status at the end."""
        with (
            tempfile.TemporaryFile() as errors,
            stream(
                arguments,
                self._scratch,
                extra=self._borrowed,
                stdin=stdin,
                stderr=errors,
                limits=self._limits,
            ) as process,
        ):
            assert process.stdout is not None
            complete = True
            try:
                yield process.stdout
            except CutShortError:
                complete = False
            if process.wait() or not complete:
                errors.seek(0)
                raise self._failure(arguments[0], process.returncode, last_line(errors.read()))

    def _failure(self, command: str, status: int, message: str) -> UserError:
        if status == -signal.SIGSEGV or ran_out_of_memory(message):
            return _OutOfMemoryError(
                f"git {command} needs more memory than {self._limits.memory_bytes:,} bytes in {self.path}: "
                "allow it more"
            )
        return UserError(f"git {command} failed in {self.path} ({message}): run 'git fsck' there")


def _locate(path: Path) -> _Layout:
    """Find what to borrow from the repository at `path`."""
    if not path.is_dir():
        raise UserError(f"{path} is no git repository: there is no such folder")
    # naming the git directory keeps git from looking for one in the folders above
    dot_git = path / ".git"
    git_dir = (dot_git if dot_git.exists() else path).absolute()
    question = [
        "rev-parse",
        "--path-format=absolute",
        "--git-path",
        "objects",
        "--git-path",
        "shallow",
        "--show-object-format=storage",
    ]
    try:
        answer = capture([*question, "HEAD^{commit}"], git_dir)
    except GitFailedError as failure:
        raise _why_unreadable(path, git_dir, question) from failure
    try:
        objects, shallow, object_format, head = answer.decode("utf-8").splitlines()
    except ValueError as error:
        raise UserError(
            f"the path of the repository {path} holds a line feed or no UTF-8: move it"
        ) from error
    return _Layout(git_dir, Path(objects), Path(shallow), object_format, head)


def _why_unreadable(path: Path, git_dir: Path, question: list[str]) -> UserError:
    """Tell a repository without commits from something that is no repository."""
    try:
        capture(question, git_dir)
    except GitFailedError as failure:
        return UserError(f"{path} is no git repository that git can read ({failure})")
    return UserError(f"the git repository {path} has no commits: HEAD points nowhere")


def _read_shallow(shallow: Path) -> frozenset[str]:
    try:
        return frozenset(shallow.read_text("ascii").split())
    except FileNotFoundError:
        return frozenset()
