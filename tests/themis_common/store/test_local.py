"""What is special to the store on a local disk."""

import errno
import os
import stat
from pathlib import Path

import pytest

from themis_common.errors import UserError
from themis_common.store import AlreadyExistsError, open_store


def test_a_failed_write_leaves_no_hidden_files(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store")
    with pytest.raises(RuntimeError, match="killed"), store.open_write("f") as stream:
        stream.write(b"half")
        raise RuntimeError("killed")
    assert os.listdir(tmp_path / "store") == []


def test_published_files_are_readable_by_others(tmp_path: Path) -> None:
    open_store(tmp_path).write_bytes("f", b"")
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o644


def test_an_unwritable_place_is_a_user_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write .*choose a folder that can be written"):
        open_store(tmp_path / "file" / "below").write_bytes("f", b"")


def test_a_place_where_no_folder_can_be_made_is_a_user_error(tmp_path: Path) -> None:
    too_long = f"{tmp_path}/{'x' * 300}"
    for folder, reason in {"/proc/x": "no such file or directory", too_long: "file name too long"}.items():
        with pytest.raises(UserError) as caught:
            open_store(folder).write_bytes("f", b"")
        assert str(caught.value) == f"cannot write {folder}/f: {reason}; choose a folder that can be written"


def test_errors_of_the_callers_block_are_not_blamed_on_the_file(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="elsewhere"), open_store(tmp_path).open_write("f"):
        raise PermissionError(13, "elsewhere")


def test_exclusive_creation_works_where_there_are_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(source: Path, target: Path) -> None:
        # as gcsfuse answers
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(os, "link", link)
    store = open_store(tmp_path)
    store.write_bytes("lock", b"first", exclusive=True)
    with pytest.raises(AlreadyExistsError, match="lock exists already"):
        store.write_bytes("lock", b"second", exclusive=True)
    assert store.read_bytes("lock") == b"first"
    assert list(store.list()) == ["lock"]
