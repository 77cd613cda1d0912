import subprocess
from pathlib import Path

import pytest

from pipelines.sample_data.fast_import import (
    EXECUTABLE,
    SYMLINK,
    Commit,
    Delete,
    Person,
    Rename,
    Write,
    create_repository,
)
from tests.pipelines.sample_data.git_reading import blob, git, read_log
from themis_common.errors import UserError

ADA = Person("Ada", "ada@example.org")


def commit(number: int, *changes: Write | Delete | Rename, parents: tuple[int, ...]) -> Commit:
    return Commit(f"commit {number}\n", ADA, 1_000_000_000 + number, parents, changes)


def test_contents_modes_and_parents_arrive_unchanged(tmp_path: Path) -> None:
    repository = tmp_path / "one.git"
    every_byte = bytes(range(256))
    create_repository(
        repository,
        [
            commit(0, Write(b"data", every_byte), Write(b"run", b"#!/bin/sh\n", EXECUTABLE), parents=()),
            commit(1, Rename(b"data", b"moved"), parents=(0,)),
            commit(2, Write(b"link", b"run", SYMLINK), parents=(0,)),
            commit(3, Write(b"link", b"run", SYMLINK), Delete(b"run"), parents=(1, 2)),
        ],
    )
    newest, *older = read_log(repository)
    assert newest.message == b"commit 3"
    assert len(newest.parents) == 2
    assert {one.message for one in older} == {b"commit 0", b"commit 1", b"commit 2"}
    assert git(repository, "ls-tree", "-r", "--name-only", "main").split() == [b"link", b"moved"]
    assert git(repository, "cat-file", "blob", "main:moved") == every_byte
    (addition,) = [one for one in older if one.message == b"commit 0"]
    assert {(one.path, one.new_mode) for one in addition.changes} == {
        (b"data", b"100644"),
        (b"run", EXECUTABLE),
    }


@pytest.mark.parametrize(
    "name", [b"new\nline", b"tab\there", b'"quoted"', b"back\\slash", b"-rf", b"caf\xe9", "\u8239".encode()]
)
def test_any_file_name_survives(tmp_path: Path, name: bytes) -> None:
    repository = tmp_path / "names.git"
    create_repository(repository, [commit(0, Write(b"folder/" + name, b"content"), parents=())])
    (only,) = read_log(repository)
    assert [change.path for change in only.changes] == [b"folder/" + name]
    assert blob(repository, only.changes[0].new_blob) == b"content"


def test_settings_of_the_user_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = [commit(0, Write(b"a.txt", b"line\r\n"), parents=())]
    create_repository(tmp_path / "plain.git", history)
    (tmp_path / ".gitconfig").write_text(
        "[core]\n\tautocrlf = true\n[init]\n\tdefaultObjectFormat = sha256\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    create_repository(tmp_path / "configured.git", history)
    plain, configured = (
        git(tmp_path / name, "rev-parse", "main") for name in ("plain.git", "configured.git")
    )
    assert plain == configured


def test_a_machine_without_git_is_a_user_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="install git"):
        create_repository(tmp_path / "none.git", [])


def test_a_bad_history_is_no_silent_success(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        create_repository(tmp_path / "bad.git", [commit(0, Write(b"a", b""), parents=(5,))])
