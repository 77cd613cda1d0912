"""Reading contents from a git server: the commits of a unit grouped by repository, one fetch for each.

Each row goes to the first of its repositories, in the order of their names, and when that one does not serve both
blobs to the next, in rounds: all commits that wait for one repository are asked for at once. What a repository is
found to be (gone, too slow) holds for the rest of the unit.
"""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.dataset.retrieve_contents.config import MEGABYTE, RetrieveContentsConfig
from components.dataset.retrieve_contents.dealing import dealt_rows
from components.dataset.retrieve_contents.fetching import Fetched, Fetcher, Group, Patience
from components.dataset.retrieve_contents.reading import Unserved, serve
from themis_common.errors import UserError
from themis_common.git import FetchLimits, RemoteTemplate, Transport
from themis_common.progress import Progress
from themis_common.stages import Context, UnitOutput

_COMMITS_PER_FETCH = 2_500


@dataclass(slots=True)
class _Wanted:
    """A row that waits for a repository to serve it; `left` are those not tried yet, the next one at the end."""

    row: Mapping[str, Any]
    left: list[str]
    tried: list[Unserved] = field(default_factory=list)

    def drop(self, output: UnitOutput) -> None:
        """Give the row up; the last repository tried has the say on the reason, the detail tells of all."""
        tried = self.tried or [Unserved("repo_gone", "the row lists no repository")]
        output.drop(self.row["row_key"], tried[-1].reason, "; ".join(one.detail for one in reversed(tried)))


class _Servers:
    """What is known of repositories: which have addresses, and which of them failed."""

    def __init__(self, remote: RemoteTemplate) -> None:
        self._remote = remote
        self._failed: dict[str, Unserved] = {}

    def next_for(self, wanted: _Wanted) -> str | None:
        """The next repository to ask for a row, or None where all were tried."""
        while wanted.left:
            name = wanted.left.pop()
            if self._remote.url(name) is None:
                wanted.tried.append(Unserved("repo_gone", f"{name!r} is no name of a repository"))
            elif name in self._failed:
                wanted.tried.append(self._failed[name])
            else:
                return name
        return None

    def note_failure(self, name: str, failure: Unserved) -> None:
        """Ask this repository for nothing more."""
        self._failed[name] = failure


def work(
    context: Context[RetrieveContentsConfig],
    unit: str,
    output: UnitOutput,
    patience: Patience | None = None,
) -> None:
    """Fetch and read the contents of one unit.

    Args:
        patience: how repositories are tried; as the configuration says unless given.

    Raises:
        TransientError: the server is down.
        UserError: the token is not set, git is not installed, or the disk is full.
    """
    config = context.config
    remote = RemoteTemplate.parse(config.url)
    fetcher = Fetcher(
        Transport(remote=remote, token=_token(config.token_env)),
        FetchLimits(
            max_bytes=config.max_repository_mb * MEGABYTE,
            memory_bytes=config.git_memory_bytes,
            seconds=config.timeout_seconds,
        ),
        context.scratch,
        connections=config.connections,
        pause=config.pause_seconds,
        patience=patience or Patience(seconds=config.patience_seconds),
    )
    rows = sorted(dealt_rows(context, unit), key=lambda row: str(row["row_key"]))
    output.read(row["row_key"] for row in rows)
    waiting = [_Wanted(row, sorted(row["repos"], reverse=True)) for row in rows]
    servers = _Servers(remote)
    progress = _CommitsPerSecond(context.progress, unit, len(rows))
    with fetcher.opened():
        while waiting:
            asked = list(_asked(waiting, servers, output))
            waiting = []
            groups = [_group(name, wanted) for name, wanted in asked]
            for (name, wanted), fetched in zip(asked, fetcher.fetch(groups), strict=True):
                if fetched.failure is not None:
                    servers.note_failure(name, fetched.failure)
                unserved = _read(wanted, fetched, config.max_bytes, output)
                progress.add(len(wanted) - len(unserved))
                waiting += unserved


def _asked(
    waiting: Sequence[_Wanted], servers: _Servers, output: UnitOutput
) -> Iterator[tuple[str, list[_Wanted]]]:
    """Which repository to ask for which rows, in the order of the names; rows with none left are dropped."""
    by_name: dict[str, list[_Wanted]] = {}
    for wanted in waiting:
        name = servers.next_for(wanted)
        if name is None:
            wanted.drop(output)
        else:
            by_name.setdefault(name, []).append(wanted)
    for name, rows in sorted(by_name.items()):
        for start in range(0, len(rows), _COMMITS_PER_FETCH):
            yield name, rows[start : start + _COMMITS_PER_FETCH]


def _group(name: str, wanted: Sequence[_Wanted]) -> Group:
    rows = [one.row for one in wanted]
    return Group(
        repo=name,
        blobs=frozenset(blob for row in rows for blob in (row["old_blob"], row["new_blob"])),
        commits=frozenset(row["commit"] for row in rows),
    )


def _read(wanted: Sequence[_Wanted], fetched: Fetched, max_bytes: int, output: UnitOutput) -> list[_Wanted]:
    """Emit or drop the rows of a group; returns those that the repository does not serve."""
    if fetched.failure is not None:
        for one in wanted:
            one.tried.append(fetched.failure)
        return list(wanted)
    left = []
    with fetched.folder.blob_reader(max_bytes) as reader:
        for one in wanted:
            unserved = serve(one.row, fetched.group.repo, reader, output)
            if unserved is not None:
                one.tried.append(unserved)
                left.append(one)
    return left


def _token(variable: str) -> str:
    if not variable:
        return ""
    token = os.environ.get(variable, "").strip()
    if not token.isascii() or not token.isprintable() or not token:
        raise UserError(
            f"token_env names {variable}, which is not set to a token; export it, or leave token_env out"
        )
    return token


class _CommitsPerSecond:
    """Tells how far the work is and how fast it goes."""

    def __init__(self, progress: Progress, unit: str, total: int) -> None:
        self._progress = progress
        self._unit = unit
        self._total = total
        self._done = 0
        self._started = time.monotonic()

    def add(self, commits: int) -> None:
        self._done += commits
        rate = self._done / max(time.monotonic() - self._started, 1e-9)
        self._progress.update(self._done, self._total, f"commits of unit {self._unit}, {rate:.0f} a second")
