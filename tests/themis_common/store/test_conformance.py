"""The store's promises, kept by every store: whole files or none, exclusive creation, names that stay inside."""

import io
import os
import random
import threading

import numpy as np
import pyarrow as pa
import pytest

from tests.themis_common.store.conftest import CHUNK
from themis_common.datasets.shards import ShardWriter, read_batches, verify_shard
from themis_common.errors import UserError
from themis_common.schemas import Schema
from themis_common.store import AlreadyExistsError, Store, open_store

LETTERS = Schema("letters", 1, pa.schema([pa.field("row_key", pa.string()), pa.field("text", pa.string())]))


def test_bytes_come_back(store: Store) -> None:
    store.write_bytes("a/b.bin", b"\0\1")
    assert store.read_bytes("a/b.bin") == b"\0\1"
    assert store.child("a").read_bytes("b.bin") == b"\0\1"
    assert store.size("a/b.bin") == 2
    assert store.exists("a/b.bin")
    assert not store.exists("a")


def test_a_uri_leads_back_to_its_store(store: Store) -> None:
    store.write_bytes("a/b", b"x")
    child = store.child("a")
    assert child.uri == f"{store.uri}/a"
    assert open_store(child.uri).uri == child.uri
    assert open_store(child.uri).read_bytes("b") == b"x"
    assert open_store(store.uri + "/").uri == store.uri


def test_missing_files(store: Store) -> None:
    assert not store.exists("x")
    assert list(store.list()) == []
    for read in (store.read_bytes, store.open_read, store.size):
        with pytest.raises(FileNotFoundError, match="x"):
            read("x")
    store.delete("x")


def test_files_are_replaced_and_deleted(store: Store) -> None:
    store.write_bytes("f", b"old")
    store.write_bytes("f", b"newer")
    assert store.read_bytes("f") == b"newer"
    store.delete("f")
    assert not store.exists("f")
    store.write_bytes("f", b"again", exclusive=True)
    assert store.read_bytes("f") == b"again"


@pytest.mark.parametrize(
    "size", [0, 1, CHUNK // 2, CHUNK // 2 + 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7]
)
@pytest.mark.usefixtures("small_requests")
def test_streams_of_every_length(store: Store, size: int) -> None:
    data = random.Random(size).randbytes(size)
    with store.open_write("f") as stream:
        for start in range(0, size, 100_000):
            piece = data[start : start + 100_000]
            assert stream.write(piece) == len(piece)
            assert stream.tell() == start + len(piece)
    assert store.size("f") == size
    assert store.read_bytes("f") == data
    with store.open_read("f") as stream:
        assert stream.read() == data


def test_anything_with_bytes_can_be_written(store: Store) -> None:
    with store.open_write("f") as stream:
        stream.write(bytearray(b"ab"))
        stream.write(memoryview(np.arange(2, dtype=np.uint16)))
    assert store.read_bytes("f") == b"ab\0\0\1\0"


def test_a_failed_write_leaves_the_old_content_and_no_litter(store: Store) -> None:
    store.write_bytes("f", b"old")
    for name in ("f", "g"):
        with pytest.raises(RuntimeError, match="killed"), store.open_write(name) as stream:
            stream.write(b"half of the new")
            raise RuntimeError("killed")
    assert store.read_bytes("f") == b"old"
    assert list(store.list()) == ["f"]


def test_a_writer_is_invisible_until_it_is_done(store: Store) -> None:
    with store.open_write("f") as stream:
        stream.write(b"x")
        assert not store.exists("f")
        assert list(store.list()) == []
    assert list(store.list()) == ["f"]


def test_of_two_writers_the_last_one_wins(store: Store) -> None:
    with store.open_write("f") as slow:
        slow.write(b"slow")
        store.write_bytes("f", b"fast")
        assert store.read_bytes("f") == b"fast"
    assert store.read_bytes("f") == b"slow"


def test_an_exclusive_writer_loses_to_a_file_that_appears_meanwhile(store: Store) -> None:
    with (
        pytest.raises(AlreadyExistsError, match="exists already"),
        store.open_write("f", exclusive=True) as slow,
    ):
        slow.write(b"slow")
        store.write_bytes("f", b"fast", exclusive=True)
    assert store.read_bytes("f") == b"fast"


def test_exclusive_creation_has_one_winner(store: Store) -> None:
    outcomes = []

    def create(content: bytes) -> None:
        try:
            store.write_bytes("lock", content, exclusive=True)
            outcomes.append(content)
        except AlreadyExistsError:
            pass

    threads = [threading.Thread(target=create, args=(b"%d" % index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 1
    assert store.read_bytes("lock") == outcomes[0]


def test_concurrent_writers_leave_one_whole_file(store: Store) -> None:
    contents = [bytes([index]) * 1000 for index in range(6)]
    threads = [threading.Thread(target=store.write_bytes, args=("f", content)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read_bytes("f") in contents


def test_listing_is_sorted_and_filtered(store: Store) -> None:
    names = ["a", "b-1", "b/1", "b/2", "b1", "c/d/e", "\u00e9", "\u65e5"]
    for name in reversed(names):
        store.write_bytes(name, b"")
    assert list(store.list()) == names
    assert list(store.list("b/")) == ["b/1", "b/2"]
    assert list(store.list("b")) == ["b-1", "b/1", "b/2", "b1"]
    store.delete("b/1")
    assert list(store.list("b/")) == ["b/2"]


def test_listing_keeps_to_its_folder(store: Store) -> None:
    for name in ("ab/x", "abc/y", "ab", "a/z"):
        if name != "ab":
            store.write_bytes(name, b"")
    assert list(store.child("ab").list()) == ["x"]
    assert list(store.child("a").list()) == ["z"]
    assert list(store.child("ab").list("y")) == []


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a\0b", "a/"])
def test_names_stay_inside(store: Store, name: str) -> None:
    for use in (store.read_bytes, store.exists, store.delete, store.child, store.open_read, store.size):
        with pytest.raises(UserError, match="no file name inside a store"):
            use(name)
    with pytest.raises(UserError, match="no file name inside a store"):
        store.write_bytes(name, b"")


@pytest.mark.parametrize("name", ["a b", "100%", "q?x=1&y", "#1", "a+b", "\u00fc/\u65e5\u672c.txt", "o/b/o"])
def test_names_may_have_any_letters(store: Store, name: str) -> None:
    store.write_bytes(name, b"x")
    assert list(store.list()) == [name]
    assert store.read_bytes(name) == b"x"
    with store.open_read(name) as stream:
        assert stream.read() == b"x"
    store.delete(name)
    assert not store.exists(name)


@pytest.mark.usefixtures("small_requests")
def test_reading_here_and_there(store: Store) -> None:
    data = random.Random(0).randbytes(3 * CHUNK + 11)
    store.write_bytes("f", data)
    reference, choice = io.BytesIO(data), random.Random(1)
    with store.open_read("f") as stream:
        assert stream.seekable()
        assert stream.readable()
        for _ in range(60):
            whence = choice.choice([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END])
            position = choice.randrange(len(data) + 1)
            offset = {
                os.SEEK_SET: position,
                os.SEEK_CUR: position - reference.tell(),
                os.SEEK_END: position - len(data),
            }[whence]
            assert stream.seek(offset, whence) == reference.seek(offset, whence)
            size = choice.choice([0, 1, 1000, CHUNK, 2 * CHUNK])
            assert stream.read(size) == reference.read(size)
            assert stream.tell() == reference.tell()
        stream.seek(len(data) + 5)
        assert stream.read(1) == b""
        with pytest.raises((ValueError, OSError)):
            stream.seek(-1)


@pytest.mark.usefixtures("small_requests")
def test_shards_are_written_and_read(store: Store) -> None:
    rows = [
        {"row_key": f"{index:05d}", "text": random.Random(index).randbytes(600).hex()}
        for index in range(3000)
    ]
    with ShardWriter(store, "data/00000.parquet", LETTERS) as writer:
        for row in rows:
            writer.write(row)
    assert writer.shard is not None
    assert writer.shard.bytes == store.size("data/00000.parquet") > CHUNK
    verify_shard(store, writer.shard)
    read = [row for batch in read_batches(store, writer.shard, LETTERS) for row in batch.to_pylist()]
    assert read == rows
    keys = read_batches(store, writer.shard, LETTERS, ["row_key"])
    assert [row["row_key"] for batch in keys for row in batch.to_pylist()] == [row["row_key"] for row in rows]


def test_a_failing_shard_is_not_published(store: Store) -> None:
    with pytest.raises(RuntimeError, match="killed"), ShardWriter(store, "f", LETTERS) as writer:
        for index in range(1000):
            writer.write({"row_key": str(index), "text": "x"})
        raise RuntimeError("killed")
    assert list(store.list()) == []
