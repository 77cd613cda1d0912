"""Long files on Google Cloud Storage: uploads in chunks, downloads in ranges."""

import gc
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.fixtures.gcs_emulator import GcsEmulator
from tests.fixtures.gcs_faults import Fault, Kind, status
from tests.themis_common.store.conftest import CHUNK, FakeTime
from themis_common.errors import TransientError, UserError
from themis_common.store import AlreadyExistsError
from themis_common.store.gcs import GcsStore
from themis_common.store.gcs_bucket import Bucket, Connection
from themis_common.store.gcs_write import CHUNK as ORDINARY_CHUNK
from themis_common.store.gcs_write import ObjectWriter
from themis_common.store.retries import Retries

pytestmark = pytest.mark.usefixtures("small_requests")

DATA = random.Random(0).randbytes(2 * CHUNK + CHUNK * 3 // 4 + 77)
"""Goes in three chunks."""
SESSION = "upload_id="


def write(store: GcsStore, *, exclusive: bool = False, data: bytes = DATA) -> None:
    with store.open_write("f", exclusive=exclusive) as stream:
        for start in range(0, len(data), 100_000):
            stream.write(data[start : start + 100_000])


def chunks(emulator: GcsEmulator) -> list[str]:
    """What was sent to sessions: content ranges in their order."""
    return [request.headers["content-range"] for request in emulator.requests if request.method == "PUT"]


def test_a_long_file_goes_in_chunks(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    write(gcs_store)
    assert chunks(emulator) == [
        f"bytes 0-{CHUNK - 1}/*",
        f"bytes {CHUNK}-{2 * CHUNK - 1}/*",
        f"bytes {2 * CHUNK}-{len(DATA) - 1}/{len(DATA)}",
    ]
    assert gcs_store.read_bytes("f") == DATA


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize(
    "fault",
    [
        status(503),
        status(408),
        Fault(kind=Kind.RESET),
        Fault(kind=Kind.LOST),
        Fault(kind=Kind.PARTIAL),
        Fault(kind=Kind.BROKEN_OFF),
    ],
    ids=lambda fault: fault.kind.name,
)
def test_an_upload_goes_on_where_it_was_interrupted(
    emulator: GcsEmulator, gcs_store: GcsStore, fault: Fault, nth: int
) -> None:
    emulator.faults.on("PUT", SESSION, fault, nth=nth)
    write(gcs_store, exclusive=True)
    assert gcs_store.read_bytes("f") == DATA
    assert not list(emulator.buckets.unfinished_sessions())
    sent = [range_ for range_ in chunks(emulator) if not range_.startswith("bytes *")]
    assert len(sent) <= 4
    assert len(set(sent)) == len(sent) or fault.kind is Kind.STATUS


def test_a_chunk_of_which_nothing_was_kept_is_sent_again_after_a_pause(
    emulator: GcsEmulator, gcs_store: GcsStore, fake_time: FakeTime
) -> None:
    data = DATA[: 2 * CHUNK + 100]
    emulator.faults.on("PUT", SESSION, Fault(kind=Kind.PARTIAL), nth=3, times=2)
    write(gcs_store, data=data)
    assert gcs_store.read_bytes("f") == data
    assert len(fake_time.sleeps) > 0


def test_an_upload_survives_many_faults(
    emulator: GcsEmulator, gcs_store: GcsStore, fake_time: FakeTime
) -> None:
    for seed in range(12):
        data = random.Random(seed).randbytes(random.Random(seed).randrange(CHUNK, 4 * CHUNK))
        emulator.faults.share(seed, 0.3)
        write(gcs_store, data=data)
        with gcs_store.open_read("f") as stream:
            assert stream.read() == data
        emulator.faults.clear()
    assert len(fake_time.sleeps) > 20


@pytest.mark.parametrize("written", [10, CHUNK + 10, len(DATA)])
def test_a_failed_writer_publishes_nothing_and_ends_its_session(
    emulator: GcsEmulator, gcs_store: GcsStore, written: int
) -> None:
    gcs_store.write_bytes("f", b"old")
    with pytest.raises(RuntimeError, match="killed"), gcs_store.open_write("f") as stream:
        stream.write(DATA[:written])
        raise RuntimeError("killed")
    gc.collect()
    assert gcs_store.read_bytes("f") == b"old"
    assert not list(emulator.buckets.unfinished_sessions())


def test_failing_to_end_a_session_does_not_hide_why(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    emulator.faults.on("DELETE", SESSION, Fault(kind=Kind.RESET))
    with pytest.raises(RuntimeError, match="killed"), gcs_store.open_write("f") as stream:
        stream.write(DATA)
        raise RuntimeError("killed")
    gc.collect()
    assert list(gcs_store.list()) == []


def test_a_dropped_writer_publishes_nothing(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    writer = ObjectWriter(gcs_store._bucket, "folder/f", exclusive=False)
    writer.write(DATA)
    del writer
    gc.collect()
    assert list(gcs_store.list()) == []


@pytest.mark.parametrize("early", [True, False])
def test_an_exclusive_upload_loses_to_a_file_that_is_there(
    emulator: GcsEmulator, gcs_store: GcsStore, early: bool
) -> None:
    emulator.checks_conditions_early = early
    gcs_store.write_bytes("f", b"first")
    with pytest.raises(AlreadyExistsError, match="gs://bucket/folder/f exists already"):
        write(gcs_store, exclusive=True)
    assert gcs_store.read_bytes("f") == b"first"


def test_an_upload_that_was_overtaken_gives_way(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    gcs_store.write_bytes("f", b"old")
    with (
        pytest.raises(TransientError, match="f was replaced by another writer during a long upload"),
        gcs_store.open_write("f") as stream,
    ):
        stream.write(DATA)
        gcs_store.write_bytes("f", b"fast")
    assert gcs_store.read_bytes("f") == b"fast"


def test_a_session_is_opened_over_what_came_between(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    emulator.checks_conditions_early = True
    between = Fault(kind=Kind.SLOW, meanwhile=lambda: emulator.buckets.put("bucket", "folder/f", b"between"))
    emulator.faults.on("GET", "^/storage/v1/b/bucket/o/", between)
    write(gcs_store)
    assert gcs_store.read_bytes("f") == DATA


def test_a_session_that_the_service_ended_is_a_transient_error(
    emulator: GcsEmulator, gcs_store: GcsStore
) -> None:
    emulator.faults.on("PUT", SESSION, status(410, "session expired"), nth=2)
    with pytest.raises(
        TransientError, match=r"upload of gs://bucket/folder/f was ended by the service \(410\)"
    ):
        write(gcs_store)
    assert list(gcs_store.list()) == []


def test_bytes_that_the_service_lost_are_a_transient_error(
    emulator: GcsEmulator, gcs_store: GcsStore
) -> None:
    def forget() -> None:
        for session in emulator.buckets.unfinished_sessions():
            session.received.clear()

    emulator.faults.on("PUT", SESSION, Fault(kind=Kind.LOST, meanwhile=forget), nth=2)
    with pytest.raises(TransientError, match="lost bytes that were kept"):
        write(gcs_store)
    assert list(gcs_store.list()) == []


def test_rights_withdrawn_during_an_upload_are_a_user_error(
    emulator: GcsEmulator, gcs_store: GcsStore
) -> None:
    emulator.faults.on("PUT", SESSION, status(403, "no more"), nth=2)
    with pytest.raises(UserError, match=r"may not write in bucket bucket \(no more\)"):
        write(gcs_store)


@pytest.mark.parametrize(("checks_hashes", "left"), [(True, ["f"]), (False, [])])
def test_damage_during_an_upload_is_not_published(
    emulator: GcsEmulator, gcs_store: GcsStore, fake_time: FakeTime, checks_hashes: bool, left: list[str]
) -> None:
    """A service that compares checksums keeps the old content; what another one published is deleted."""
    emulator.checks_hashes = checks_hashes
    gcs_store.write_bytes("f", b"old")
    emulator.faults.on("PUT", SESSION, Fault(kind=Kind.DAMAGED_REQUEST), nth=2)
    with pytest.raises(TransientError, match="f arrived damaged and was discarded"):
        write(gcs_store)
    assert list(gcs_store.list()) == left
    assert fake_time.sleeps == []


@pytest.mark.parametrize(("method", "nth"), [("POST", 1), ("PUT", 1), ("PUT", 3)])
def test_an_answer_to_a_chunk_that_does_not_come_is_given_up(
    emulator: GcsEmulator, fake_time: FakeTime, method: str, nth: int
) -> None:
    impatient = Retries(clock=fake_time.clock, sleep=fake_time.sleep, attempt=0.2)
    store = GcsStore(Bucket("bucket", Connection(emulator.endpoint), impatient), "folder")
    emulator.faults.on(method, "uploadType=resumable", Fault(kind=Kind.SLOW, seconds=0.6), nth=nth)
    write(store)
    assert len(fake_time.sleeps) == 1
    assert store.read_bytes("f") == DATA


@pytest.mark.parametrize(
    "change",
    [
        lambda emulator: emulator.buckets.put("bucket", "folder/f", DATA),
        lambda emulator: emulator.buckets.delete("bucket", "folder/f"),
    ],
    ids=["replaced", "deleted"],
)
def test_a_file_that_changes_while_it_is_read_is_an_error(
    emulator: GcsEmulator, gcs_store: GcsStore, change: Callable[[GcsEmulator], object]
) -> None:
    write(gcs_store)
    with gcs_store.open_read("f") as stream:
        assert stream.read(1000) == DATA[:1000]
        change(emulator)
        with pytest.raises(TransientError, match="f was replaced or deleted while it was read"):
            stream.read()


def test_a_file_is_read_ahead(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    write(gcs_store)
    emulator.requests.clear()
    with gcs_store.open_read("f") as stream:
        while stream.read(10_000):
            pass
    ranges = [request.headers["range"] for request in emulator.requests if "range" in request.headers]
    assert len(ranges) == 3
    assert ranges[0] == f"bytes=0-{CHUNK - 1}"


def test_parquet_takes_few_requests(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    """The footer, and then the columns of all row groups in the order in which they lie."""
    table = pa.table({f"c{column}": [f"{column} {row}" for row in range(4000)] for column in range(12)})
    with gcs_store.open_write("f") as sink:
        pq.write_table(table, sink, row_group_size=500)
    size = gcs_store.size("f")
    emulator.requests.clear()
    with gcs_store.open_read("f") as stream:
        assert pq.ParquetFile(stream).read().equals(table)
    ranges = [request for request in emulator.requests if "range" in request.headers]
    assert len(ranges) <= 2 + size // CHUNK


def test_errors_come_through_parquet_as_they_are(emulator: GcsEmulator, gcs_store: GcsStore) -> None:
    with gcs_store.open_write("f") as sink:
        pq.write_table(pa.table({"c": [random.Random(0).randbytes(200_000) for _ in range(20)]}), sink)
    emulator.faults.on("GET", "^/download/", status(403, "no more"), nth=2)
    with gcs_store.open_read("f") as stream, pytest.raises(UserError, match="no more"):
        pq.ParquetFile(stream).read()


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is read from /proc")
def test_long_files_do_not_fill_the_memory(emulator: GcsEmulator) -> None:
    """With requests of ordinary size, in a process of its own: the emulator keeps the file in this one."""
    arguments = ["-m", "tests.themis_common.store.streaming_peak", "gs://bucket/folder", "200"]
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True, cwd=root)
    measured = json.loads(done.stdout)
    assert measured["write"]["peak"] < 2.5 * ORDINARY_CHUNK
    assert measured["read"]["peak"] < 2.5 * ORDINARY_CHUNK
