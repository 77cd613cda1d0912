"""Fetching repositories from a server, several at once, each into a folder of its own that is gone after use."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from components.dataset.retrieve_contents.host import Host
from components.dataset.retrieve_contents.reading import Unserved
from themis_common.errors import TransientError
from themis_common.git import FetchFailure, FetchFolder, FetchLimits, StoppedError, Transport
from themis_common.git.fetch_blobs import fetch_blobs
from themis_common.hashing import rng
from themis_common.store.retries import PassingFault, Retries

_AHEAD = 2
"""Repositories fetched or being fetched for each connection, so that reading never waits for the next one."""

_MOST_HOLDS = 5
"""How often one repository is asked for again after the server asked to wait."""

_LONGEST_WAIT_SECONDS = 3600.0
"""A server that asks to wait longer is not waited for."""

_REASONS = {
    "gone": "repo_gone",
    "password_required": "password_required",
    "timed_out": "timed_out",
    "too_large": "too_large_repository",
}


@dataclass(frozen=True, slots=True)
class Group:
    """What one repository is asked for: blobs, and the commits that they are of."""

    repo: str
    blobs: frozenset[str]
    commits: frozenset[str]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a group: a folder with the blobs that the server has, or why there is none."""

    group: Group
    folder: FetchFolder
    failure: Unserved | None


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long and how a repository is tried.

    Attributes:
        seconds: in which a fetch that failed in passing is tried again.
        clock: seconds that only go forward.
        sleep: waits so many seconds; by default it ends early when fetching is to end.
    """

    seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] | None = None


class Fetcher:
    """Fetches groups of commits.

    Args:
        transport: how the server is reached.
        limits: what one group may take.
        folder: where to put what comes; at most 2 * connections groups are there at a time.
        connections: fetches at once.
        pause: seconds from the start of one fetch to that of the next.
    """

    def __init__(
        self,
        transport: Transport,
        limits: FetchLimits,
        folder: Path,
        *,
        connections: int,
        pause: float,
        patience: Patience,
    ) -> None:
        self._transport = transport
        self._limits = limits
        self._folder = folder
        self._connections = connections
        self._patience = patience
        self._sleep = patience.sleep or transport.stop.wait
        self._host = Host(pause, clock=patience.clock, sleep=self._pause)
        self._numbers = count()

    @contextmanager
    def opened(self) -> Iterator["Fetcher"]:
        """Ready to fetch; whatever is under way at the end of the block is stopped.

        Raises:
            TransientError: the server said nothing about any repository.
        """
        with ThreadPoolExecutor(self._connections, thread_name_prefix="fetch") as self._pool:
            try:
                yield self
                self._host.check_heard()
            finally:
                self._transport.stop.set()
                self._pool.shutdown(cancel_futures=True)

    def fetch(self, groups: Sequence[Group]) -> Iterator[Fetched]:
        """What came of each group, in their order; its folder is deleted when the next one is asked for.

        Raises:
            TransientError: the server is down.
            UserError: git is not installed, or the disk is full.
        """
        waiting: deque[Future[Fetched]] = deque()
        for group in groups:
            waiting.append(self._pool.submit(self._fetch, group, self._folder / str(next(self._numbers))))
            if len(waiting) == _AHEAD * self._connections:
                yield from _used(waiting.popleft())
        while waiting:
            yield from _used(waiting.popleft())

    def _fetch(self, group: Group, place: Path) -> Fetched:
        folder = FetchFolder(place, self._transport, self._limits)
        url = self._transport.remote.url(group.repo)
        assert url is not None, group.repo
        retries = self._retries(group.repo)

        def bring(wants: Sequence[str], depth: int) -> FetchFailure | None:
            return self._bring(folder, url, wants, depth, retries)

        failure = fetch_blobs(bring, group.blobs, group.commits)
        if failure is None:
            self._host.answered()
            return Fetched(group, folder, None)
        reason = _REASONS.get(failure.kind, "unreachable")
        if reason in {"timed_out", "unreachable"}:
            self._host.was_silent(group.repo, failure.message, slow=reason == "timed_out")
        else:
            self._host.answered()
        return Fetched(group, folder, Unserved(reason, f"{group.repo}: {failure.message}"))

    def _bring(
        self, folder: FetchFolder, url: str, wants: Sequence[str], depth: int, retries: Retries
    ) -> FetchFailure | None:
        """One fetch, tried again while it fails in passing and while the server asks to wait."""
        failure: FetchFailure | None = None

        def attempt() -> FetchFailure | None:
            nonlocal failure
            for _ in range(1 + _MOST_HOLDS):
                self._host.wait_for_turn()
                failure = folder.fetch(url, wants, depth=depth)
                if failure is None or failure.kind != "busy" or failure.wait_seconds > _LONGEST_WAIT_SECONDS:
                    break
                self._host.hold(failure.wait_seconds)
            if failure is not None and failure.kind == "passing":
                raise PassingFault(failure.message)
            return failure

        try:
            return retries.call(url, attempt)
        except TransientError:
            return failure

    def _retries(self, repo: str) -> Retries:
        return Retries(
            deadline=self._patience.seconds,
            clock=self._patience.clock,
            sleep=self._pause,
            jitter=rng(0, repo, "back-off"),
        )

    def _pause(self, seconds: float) -> None:
        self._sleep(seconds)
        if self._transport.stop.is_set():
            raise StoppedError


def _used(fetched: "Future[Fetched]") -> Iterator[Fetched]:
    result = fetched.result()
    yield result
    result.folder.remove()
