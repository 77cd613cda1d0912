"""A storage emulator, and stores of both kinds."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fixtures.gcs_emulator import GcsEmulator
from themis_common.store import Store, gcs_read, gcs_write, open_store
from themis_common.store.gcs import GcsStore
from themis_common.store.gcs_bucket import EMULATOR, Bucket, Connection
from themis_common.store.retries import Retries

KIB = 1024
CHUNK = 1024 * KIB
"""What a long upload sends at once in tests."""

_NUMBERS = itertools.count()


@dataclass
class FakeTime:
    """A clock that only sleeping moves."""

    now: float = 0.0
    sleeps: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsEmulator]:
    """The emulator that `gs://` leads to, with one bucket named `bucket`."""
    with GcsEmulator() as running:
        running.buckets.create("bucket")
        monkeypatch.setenv(EMULATOR, running.endpoint)
        yield running


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def gcs_store(emulator: GcsEmulator, fake_time: FakeTime) -> GcsStore:
    """A store that waits in fake time."""
    retries = Retries(clock=fake_time.clock, sleep=fake_time.sleep, attempt=5.0)
    return GcsStore(Bucket("bucket", Connection(emulator.endpoint), retries), "folder")


@pytest.fixture
def small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let uploads and downloads of little data take several requests."""
    monkeypatch.setattr(gcs_write, "CHUNK", CHUNK)
    monkeypatch.setattr(gcs_write, "SINGLE_REQUEST", CHUNK // 2)
    monkeypatch.setattr(gcs_read, "READ_AHEAD", CHUNK)


@pytest.fixture(params=["local", "gcs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty store of either kind."""
    if request.param == "local":
        return open_store(tmp_path / "store")
    request.getfixturevalue("emulator")
    return open_store(f"gs://bucket/store-{next(_NUMBERS)}")
