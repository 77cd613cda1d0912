"""A lease on a folder of a store: one training run writes it, however many are started.

    lease-00000003.json    who holds the folder in its third term, and a number that grows while the holder lives

A term begins by creating the file of the next number exclusively, which one of several contenders can do, on disks,
on mounted buckets and in buckets alike. A holder whose number stands still is taken to be dead: then the next contender
begins a new term, and the earlier holder, should it wake up, finds that out before it publishes anything. Nobody
compares clocks of two machines.
"""

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from themis_common.errors import TransientError, UserError
from themis_common.store import AlreadyExistsError, Store

SILENT_SECONDS = 90.0
"""After this long without a sign of life a holder counts as dead."""
BEAT_SECONDS = 15.0
_PREFIX = "lease-"


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who has a lease.

    Attributes:
        name: for people.
        process: what tells this process from all others on all machines; empty where that cannot be known.
        beats: signs of life so far.
        released: whether the holder has ended its term.
    """

    name: str
    process: str
    beats: int = 0
    released: bool = False


class LeaseLostError(UserError):
    """The folder has passed to another training run."""


class Lease:
    """The right to write below `store`, once `acquire` has returned.

    Args:
        clock: seconds that only go forward.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        store: Store,
        me: Holder,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._me = me
        self._clock = clock
        self._sleep = sleep
        self._renewed = 0.0
        self.term = 0

    def acquire(self, patience: float, say: Callable[[str], None]) -> None:
        """Take the folder, waiting while somebody else has it.

        Args:
            patience: the longest wait, in seconds.

        Raises:
            UserError: the other one is still there when patience is at its end; names it.
        """
        began = self._clock()
        seen: tuple[int, Holder | None] | None = None
        changed, told = began, False
        while True:
            now = self._clock()
            term, holder = self._current()
            if (term, holder) != seen:
                seen, changed = (term, holder), now
            if holder is None or _has_ended(holder) or now - changed >= SILENT_SECONDS:
                if self._begin(term + 1):
                    return
                continue
            if now - began >= patience:
                raise UserError(
                    f"{self._store.uri} is in use by another training run, {holder.name}: "
                    "wait for it to end, end it, or set checkpoints to another folder"
                )
            if not told:
                say(
                    f"{self._store.uri} is in use by another training run, {holder.name}; waiting for it to end"
                )
                told = True
            self._sleep(min(BEAT_SECONDS / 3, patience))

    def renew(self) -> None:
        """Give a sign of life.

        Raises:
            LeaseLostError: the folder has passed to somebody else.
        """
        self._refuse_if_overtaken()
        self._me = replace(self._me, beats=self._me.beats + 1)
        self._write(self._me)
        self._renewed = self._clock()

    def check(self) -> None:
        """Make sure that the folder is still held.

        Raises:
            LeaseLostError: it has passed to somebody else.
        """
        if self._clock() - self._renewed >= BEAT_SECONDS:
            self._refuse_if_overtaken()

    def release(self) -> None:
        """End the term, so that the next one need not wait."""
        term, _ = self._current()
        if term == self.term:
            self._write(replace(self._me, released=True))

    def _begin(self, term: int) -> bool:
        try:
            self._store.write_bytes(_file(term), _content(self._me), exclusive=True)
        except AlreadyExistsError:
            return False
        if self._newest() != _file(term):
            # the listing by which this seemed the next term had missed a newer one: a folder is not listed at one
            # moment, and meanwhile the next term may have begun and the earlier one been removed
            self._store.delete(_file(term))
            return False
        self.term, self._renewed = term, self._clock()
        for name in list(self._store.list(_PREFIX)):
            if name < _file(term):
                self._store.delete(name)
        return True

    def _refuse_if_overtaken(self) -> None:
        term, holder = self._current()
        if term != self.term:
            name = holder.name if holder else "unknown"
            raise LeaseLostError(
                f"{self._store.uri} was taken over by another training run, {name}, because this one gave no sign of "
                "life: let the other one go on"
            )

    def _current(self) -> tuple[int, Holder | None]:
        """The newest term and who has it; 0 and None where nobody ever had."""
        newest = self._newest()
        if newest is None:
            return 0, None
        term = int(newest.removeprefix(_PREFIX).removesuffix(".json"))
        try:
            return term, Holder(**json.loads(self._store.read_bytes(newest)))
        except FileNotFoundError:
            # a newer term has just begun
            return self._current()

    def _newest(self) -> str | None:
        return max(self._store.list(_PREFIX), default=None)

    def _write(self, holder: Holder) -> None:
        self._store.write_bytes(_file(self.term), _content(holder))


@contextmanager
def exclusive_use(store: Store, patience: float, say: Callable[[str], None]) -> Iterator[Lease]:
    """Hold the folder while the block runs; a thread gives the signs of life."""
    lease = Lease(store, this_process())
    lease.acquire(patience, say)
    ended = threading.Event()

    def keep_alive() -> None:
        while not ended.wait(BEAT_SECONDS):
            try:
                lease.renew()
            except LeaseLostError:
                # said by `check`, before anything is published
                return
            except (OSError, TransientError, UserError) as error:
                say(f"cannot renew the lease on {store.uri}: {error}")

    thread = threading.Thread(target=keep_alive, daemon=True)
    thread.start()
    try:
        yield lease
    finally:
        ended.set()
        thread.join(BEAT_SECONDS)
        try:
            lease.release()
        except (OSError, TransientError, UserError) as error:
            say(
                f"cannot end the lease on {store.uri}, so the next run on it waits {SILENT_SECONDS:.0f} s: {error}"
            )


def this_process() -> Holder:
    """The running process as a holder."""
    process = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        process = f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}/{os.getpid()}/{_started(os.getpid())}"
    return Holder(name=f"process {os.getpid()} on {socket.gethostname()}", process=process)


def _has_ended(holder: Holder) -> bool:
    """Whether the holder has said so, or was a process of this machine that is no more."""
    if holder.released:
        return True
    mine = this_process().process
    if not mine or holder.process.split("/")[:2] != mine.split("/")[:2]:
        return False
    number, started = holder.process.split("/")[2:]
    try:
        return _started(int(number)) != started
    except OSError:
        return True


def _started(process: int) -> str:
    """When a live process started, in clock ticks since boot: its number may be used again.

    Raises:
        ProcessLookupError: it has ended, but its parent has not noticed yet.
        FileNotFoundError: there is no such process.
    """
    # the name before the bracket may hold spaces and brackets itself
    state, *rest = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    if state in "ZX":
        raise ProcessLookupError(f"process {process} has ended")
    return rest[18]


def _file(term: int) -> str:
    return f"{_PREFIX}{term:08d}.json"


def _content(holder: Holder) -> bytes:
    return json.dumps(asdict(holder)).encode()
