"""The store's promises: whole files or none, exclusive creation, names that stay inside."""

import os
import stat
import threading
from pathlib import Path

import pytest

from themis_common.errors import UserError
from themis_common.store import AlreadyExistsError, Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


def test_bytes_come_back(store: Store) -> None:
    store.write_bytes("a/b.bin", b"\0\1")
    assert store.read_bytes("a/b.bin") == b"\0\1"
    assert store.child("a").read_bytes("b.bin") == b"\0\1"
    assert store.size("a/b.bin") == 2
    assert store.exists("a/b.bin")
    assert not store.exists("a")


def test_missing_files(store: Store) -> None:
    assert not store.exists("x")
    assert list(store.list()) == []
    for read in (store.read_bytes, store.open_read, store.size):
        with pytest.raises(FileNotFoundError):
            read("x")
    store.delete("x")


def test_a_failed_write_leaves_the_old_content_and_no_litter(store: Store, tmp_path: Path) -> None:
    store.write_bytes("f", b"old")
    with pytest.raises(RuntimeError, match="killed"), store.open_write("f") as stream:
        stream.write(b"half of the new")
        raise RuntimeError("killed")
    assert store.read_bytes("f") == b"old"
    assert os.listdir(tmp_path / "store") == ["f"]


def test_a_writer_is_invisible_until_it_is_done(store: Store) -> None:
    with store.open_write("f") as stream:
        stream.write(b"x")
        assert not store.exists("f")
        assert list(store.list()) == []
    assert list(store.list()) == ["f"]


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


def test_listing_is_sorted_and_filtered(store: Store) -> None:
    for name in ("b/2", "b/1", "a", "c/d/e"):
        store.write_bytes(name, b"")
    assert list(store.list()) == ["a", "b/1", "b/2", "c/d/e"]
    assert list(store.list("b/")) == ["b/1", "b/2"]
    store.delete("b/1")
    assert list(store.list("b/")) == ["b/2"]


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "./a", "a\0b"])
def test_names_stay_inside(store: Store, name: str) -> None:
    with pytest.raises(UserError, match="no file name inside a store"):
        store.read_bytes(name)


def test_published_files_are_readable_by_others(store: Store, tmp_path: Path) -> None:
    store.write_bytes("f", b"")
    assert stat.S_IMODE((tmp_path / "store" / "f").stat().st_mode) == 0o644


def test_an_unwritable_place_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write .*choose a folder that can be written"):
        open_store(tmp_path / "file" / "below").write_bytes("f", b"")


def test_unknown_schemes_are_refused() -> None:
    with pytest.raises(UserError, match="ftp:// is not served"):
        open_store("ftp://host/x")
