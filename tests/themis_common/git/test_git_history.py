"""The log parser against real repositories with awkward names, messages and changes."""

import io
import tracemalloc
from pathlib import Path

import pytest

from tests.fixtures.git_repositories import (
    EXECUTABLE,
    SUBMODULE,
    SYMLINK,
    Entry,
    RepositoryBuilder,
    run_git,
)
from themis_common.git import Commit, GitRepository
from themis_common.git.history import MAX_FIELD_BYTES, CutShortError, parse_log

HOSTILE_PATHS = [
    b"with blank.py",
    b'with "quotes".py',
    b"with\nline feed.py",
    b"-leading-dash.py",
    b"tab\there.py",
    b":100644 100644 aaa bbb M",
    b"latin-\xe9.py",
    "snow-\u2603.py".encode(),
    b"x;touch pwned;.py",
    b"deep/er/path.py",
]


def _commits(path: Path) -> list[Commit]:
    with GitRepository.open(path) as repository:
        return list(repository.commits(repository.commit_ids(repository.tips("head"))))[::-1]


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_hostile_paths_come_back_byte_for_byte(tmp_path: Path, path: bytes) -> None:
    builder = RepositoryBuilder(tmp_path / "project")
    builder.commit({path: b"1\n"})
    builder.commit({path: b"2\n"})
    builder.build()
    added, modified = _commits(tmp_path / "project")
    assert [(d.status, d.path) for d in added.differences] == [("A", path)]
    assert [(d.status, d.path) for d in modified.differences] == [("M", path)]
    assert modified.differences[0].old_blob == added.differences[0].new_blob


@pytest.mark.parametrize(
    "message",
    [
        "One line only",
        "Subject line\n\nBody with a blank line\n\n\nand two\n",
        ":100644 100644 0000 1111 M\n\nlooks like a difference\n",
        "\x01\x02 control characters stay",
        "\n\nleading line feeds",
        "0123456789012345678901234567890123456789",
    ],
)
def test_messages_come_back_whole(tmp_path: Path, message: str) -> None:
    builder = RepositoryBuilder(tmp_path / "project")
    builder.commit({"a.py": b"1\n"}, message)
    builder.commit({"a.py": b"2\n"}, message)
    builder.build()
    commits = _commits(tmp_path / "project")
    assert [commit.message.decode().strip() for commit in commits] == [message.strip()] * 2
    assert [len(commit.differences) for commit in commits] == [1, 1]


def test_an_empty_message_and_an_empty_commit_are_records_like_others(tmp_path: Path) -> None:
    builder = RepositoryBuilder(tmp_path / "project")
    builder.commit({"a.py": b"1\n"}, "")
    builder.commit({}, "Nothing was changed here")
    builder.commit({"a.py": b"2\n"}, "")
    builder.build()
    commits = _commits(tmp_path / "project")
    assert [commit.message.strip() for commit in commits] == [b"", b"Nothing was changed here", b""]
    assert [len(commit.differences) for commit in commits] == [1, 0, 1]


def test_every_kind_of_difference_is_told_apart(tmp_path: Path) -> None:
    builder = RepositoryBuilder(tmp_path / "project")
    builder.commit({"a.py": b"1\n", "b.py": b"2\n", "link": Entry(SYMLINK, b"a.py")})
    builder.commit({"b.py": None, "c.py": b"2\n"})
    builder.commit({"a.py": Entry(EXECUTABLE, b"1\n")})
    builder.commit({"a.py": Entry(SYMLINK, b"c.py")})
    builder.commit({"sub": Entry(SUBMODULE, b"1" * 40)})
    builder.build()
    _, moved, made_executable, became_link, submodule = _commits(tmp_path / "project")
    assert [(d.status, d.path) for d in moved.differences] == [("D", b"b.py"), ("A", b"c.py")]
    assert moved.differences[0].old_blob == moved.differences[1].new_blob
    assert moved.differences[0].new_mode == 0
    (change,) = made_executable.differences
    assert (change.old_mode, change.new_mode) == (0o100644, 0o100755)
    assert change.old_blob == change.new_blob
    assert [(d.status, d.new_mode) for d in became_link.differences] == [("T", 0o120000)]
    assert [(d.status, d.new_mode) for d in submodule.differences] == [("A", 0o160000)]


def test_a_merge_has_two_parents_and_no_differences(tmp_path: Path) -> None:
    builder = RepositoryBuilder(tmp_path / "project")
    root = builder.commit({"a.py": b"1\n"})
    left = builder.commit({"a.py": b"2\n"}, parents=[root])
    right = builder.commit({"b.py": b"3\n"}, parents=[root], branch="topic")
    builder.commit({"b.py": b"3\n"}, parents=[left, right])
    shas = builder.build()
    merge = next(commit for commit in _commits(tmp_path / "project") if commit.sha == shas[3])
    assert merge.parents == (shas[1], shas[2])
    assert merge.differences == ()


def test_authors_and_times_are_read(tmp_path: Path) -> None:
    builder = RepositoryBuilder(tmp_path / "project")
    builder.commit({"a.py": b"1\n"}, time=1_234_567_890, author="dependabot[bot] <bot@example.com>")
    builder.build()
    (commit,) = _commits(tmp_path / "project")
    assert commit.unix_time == 1_234_567_890
    assert (commit.author_name, commit.author_email) == (b"dependabot[bot]", b"bot@example.com")


def test_a_commit_without_a_readable_time_is_read_as_zero(tmp_path: Path) -> None:
    builder = RepositoryBuilder(tmp_path / "project")
    builder.commit({"a.py": b"1\n"})
    (sha,) = builder.build()
    git = ["-C", str(tmp_path / "project")]
    tree = run_git(*git, "rev-parse", f"{sha}^{{tree}}").decode().strip()
    odd = f"tree {tree}\nauthor A <a@b.c> never\ncommitter A <a@b.c> never\n\nNobody knows when\n"
    made = run_git(*git, "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=odd.encode())
    run_git(*git, "update-ref", "--no-deref", "HEAD", made.decode().strip())
    (commit,) = _commits(tmp_path / "project")
    assert commit.unix_time == 0


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.97])
def test_output_that_ends_inside_a_record_is_an_error(keep: float) -> None:
    entry = b"\n:100644 100644 " + b"b" * 40 + b" " + b"c" * 40 + b" M"
    fields = [b"a" * 40, b"", b"1", b"name", b"mail", b"message\n", entry, b"path.py"]
    whole = b"\0".join(fields) + b"\0"
    assert len(list(parse_log(io.BytesIO(whole)))) == 1
    with pytest.raises(CutShortError):
        list(parse_log(io.BytesIO(whole[: int(len(whole) * keep)])))


def test_a_message_of_any_size_is_read_in_bounded_memory() -> None:
    entry = b"\n:100644 100644 " + b"b" * 40 + b" " + b"c" * 40 + b" M"
    sizes = [10, MAX_FIELD_BYTES, MAX_FIELD_BYTES + 1, 64 * MAX_FIELD_BYTES, 10]
    records = [
        b"\0".join(
            [f"{size:040x}".encode(), b"", b"1", b"name", b"mail", b"x" * size, entry, b"path.py", b""]
        )
        for size in sizes
    ]
    stream = io.BytesIO(b"".join(records))
    del records
    tracemalloc.start()
    found = [(commit.sha, commit.is_cut, commit.differences[0].path) for commit in parse_log(stream)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [(f"{size:040x}", size > MAX_FIELD_BYTES, b"path.py") for size in sizes]
    assert peak < 8 * MAX_FIELD_BYTES
