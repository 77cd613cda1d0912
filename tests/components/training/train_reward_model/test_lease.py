"""One training run at a time writes a folder of checkpoints: on a disk and in a bucket, by the same rules."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from components.training.train_reward_model.lease import (
    SILENT_SECONDS,
    Holder,
    Lease,
    exclusive_use,
    this_process,
)
from tests.fixtures.gcs_emulator import GcsEmulator
from themis_common.errors import UserError
from themis_common.store import Store, open_store
from themis_common.store.gcs_bucket import EMULATOR
from themis_common.store.local import LocalStore


@dataclass
class FakeTime:
    """A clock that only sleeping moves; each sleep may let something happen elsewhere."""

    now: float = 0.0
    events: dict[int, "Lease"] = field(default_factory=dict)
    sleeps: int = 0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.sleeps += 1
        for lease in self.events.values():
            lease.renew()


@pytest.fixture(params=["disk", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    if request.param == "disk":
        yield open_store(tmp_path)
        return
    with GcsEmulator() as running:
        running.buckets.create("bucket")
        monkeypatch.setenv(EMULATOR, running.endpoint)
        yield open_store("gs://bucket/checkpoints")


def lease(store: Store, name: str, time: FakeTime) -> Lease:
    # no process, as on another machine: only silence can tell that it has ended
    return Lease(store, Holder(name=name, process=""), clock=time.clock, sleep=time.sleep)


def silent(text: str) -> None:
    pass


def test_a_free_folder_is_taken_at_once_and_a_released_one_too(store: Store) -> None:
    time = FakeTime()
    first, second = lease(store, "first", time), lease(store, "second", time)
    first.acquire(0, silent)
    first.release()
    second.acquire(0, silent)
    assert (first.term, second.term, time.sleeps) == (1, 2, 0)
    assert list(store.list("lease-")) == ["lease-00000002.json"]


def test_a_second_run_ends_with_one_line_that_names_the_holder(store: Store) -> None:
    time, said = FakeTime(), list[str]()
    first = lease(store, "process 7 on node-a", time)
    first.acquire(0, silent)
    time.events[1] = first
    with pytest.raises(UserError, match=r"in use by another training run, process 7 on node-a: wait for it"):
        lease(store, "second", time).acquire(100, said.append)
    assert time.now >= 100
    assert len(said) == 1
    first.check()


def test_a_silent_holder_is_replaced_and_finds_out_before_it_publishes(store: Store) -> None:
    time = FakeTime()
    first, second = lease(store, "first", time), lease(store, "second", time)
    first.acquire(0, silent)
    first.check()
    second.acquire(1000, silent)
    assert SILENT_SECONDS <= time.now < 1.2 * SILENT_SECONDS
    with pytest.raises(UserError, match="taken over by another training run, second"):
        first.check()
    with pytest.raises(UserError, match="taken over"):
        first.renew()
    first.release()
    second.check()
    assert second.term == 2


class OnceBlindStore(LocalStore):
    """A folder whose first listing is made while one term ends and the next begins, and shows neither."""

    blind = True

    def list(self, prefix: str = "") -> Iterator[str]:
        if self.blind:
            self.blind = False
            return iter(())
        return super().list(prefix)


def test_a_listing_that_missed_a_change_of_terms_lets_nobody_in(tmp_path: Path) -> None:
    time = FakeTime()
    earlier, holder = (lease(open_store(tmp_path), name, time) for name in ("earlier", "holder"))
    earlier.acquire(0, silent)
    earlier.release()
    holder.acquire(0, silent)
    late = lease(OnceBlindStore(tmp_path), "late", time)
    with pytest.raises(UserError, match="in use by another training run, holder"):
        late.acquire(0, silent)
    assert list(open_store(tmp_path).list("lease-")) == ["lease-00000002.json"]
    holder.renew()


def test_of_two_contenders_one_wins(store: Store) -> None:
    time = FakeTime()
    dead = lease(store, "dead", time)
    dead.acquire(0, silent)
    time.now += 10 * SILENT_SECONDS
    won, refused = list[str](), list[str]()
    barrier = threading.Barrier(4)

    def contend(name: str) -> None:
        own = FakeTime()

        def sleep(seconds: float) -> None:
            if own.now == 0:
                # all have seen the dead one by now: whoever came later would take the winner for one, who stands still
                # in everybody else's time
                barrier.wait()
            own.sleep(seconds)

        contender = Lease(store, Holder(name=name, process=""), clock=own.clock, sleep=sleep)
        try:
            contender.acquire(SILENT_SECONDS, silent)
        except UserError:
            refused.append(name)
        else:
            won.append(name)

    threads = [threading.Thread(target=contend, args=(f"c{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert len(refused) == 3
    assert json.loads(store.read_bytes("lease-00000002.json"))["name"] == won[0]


def test_the_next_attempt_on_this_machine_need_not_wait_for_a_killed_one(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from components.training.train_reward_model.lease import Lease, this_process\n"
        "from themis_common.store import open_store\n"
        "Lease(open_store(sys.argv[1]), this_process()).acquire(0, print)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=Path(__file__).parents[4])
    assert done.returncode == -9
    time = FakeTime()
    next_one = Lease(open_store(tmp_path), this_process(), clock=time.clock, sleep=time.sleep)
    next_one.acquire(0, silent)
    assert (next_one.term, time.sleeps) == (2, 0)


def test_a_second_attempt_waits_until_the_first_has_ended(tmp_path: Path) -> None:
    events: list[str] = []
    waiting = threading.Event()
    store = open_store(tmp_path)

    def say(text: str) -> None:
        events.append(text)
        waiting.set()

    def second_attempt() -> None:
        with exclusive_use(store, 60, say):
            events.append("second runs")

    with exclusive_use(store, 60, events.append):
        thread = threading.Thread(target=second_attempt)
        thread.start()
        assert waiting.wait(timeout=10)
        events.append("first ends")
    thread.join(timeout=20)
    assert f"in use by another training run, {this_process().name}; waiting" in events[0]
    assert events[1:] == ["first ends", "second runs"]
