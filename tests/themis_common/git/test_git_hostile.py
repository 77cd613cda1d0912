"""Repositories made to cost more than they weigh: deltas, folders and commits that unpack to far more."""

import itertools
import random
import tracemalloc
from pathlib import Path

import pytest

from tests.fixtures.git_packs import PackedObject, commits_of, install, install_delta_bomb, nested
from tests.fixtures.git_repositories import RepositoryBuilder, run_git
from themis_common.errors import UserError
from themis_common.git import (
    Damaged,
    FetchFailure,
    FetchFolder,
    FetchLimits,
    GitRepository,
    ProcessLimits,
    RemoteTemplate,
    TooLarge,
    Transport,
)
from themis_common.git.history import MAX_DIFFERENCES, parse_log

SMALL = ProcessLimits(memory_bytes=64_000_000)


def folder_for(tmp_path: Path, **limits: int) -> FetchFolder:
    transport = Transport(remote=RemoteTemplate.parse(f"file://{tmp_path}/{{repo}}.git"))
    return FetchFolder(
        tmp_path / "fetched",
        transport,
        FetchLimits(**{"max_bytes": 1_000_000, "memory_bytes": SMALL.memory_bytes, **limits}, seconds=60.0),
    )


def test_deltas_that_unpack_to_more_than_memory_are_too_large(tmp_path: Path) -> None:
    blobs = install_delta_bomb(tmp_path / "bomb.git", copies=10)
    folder = folder_for(tmp_path)
    failure = folder.fetch(f"file://{tmp_path}/bomb.git", blobs)
    assert failure == FetchFailure("too_large", "more than 1,000,000 bytes, or 64,000,000 bytes of memory")


def test_a_server_on_this_machine_has_the_limit_too(tmp_path: Path) -> None:
    """Asked for the large blob alone, an honest server unpacks the delta itself."""
    _, large = install_delta_bomb(tmp_path / "bomb.git", copies=10)
    failure = folder_for(tmp_path).fetch(f"file://{tmp_path}/bomb.git", [large])
    assert failure is not None
    assert failure.kind == "too_large"


def test_without_the_limit_the_same_deltas_are_unpacked(tmp_path: Path) -> None:
    blobs = install_delta_bomb(tmp_path / "bomb.git", copies=10)
    folder = folder_for(tmp_path, memory_bytes=1_000_000_000)
    assert folder.fetch(f"file://{tmp_path}/bomb.git", blobs) is None
    with folder.blob_reader(1000) as reader:
        assert reader.read(blobs[1]) == TooLarge(10 * 0xFFFFFF)


def test_a_large_blob_that_packs_well_costs_no_memory(tmp_path: Path) -> None:
    zeros = PackedObject("blob", bytes(100_000_000))
    (commit,) = commits_of([tree := PackedObject("tree", b"100644 a.py\0" + zeros.raw_id)])
    install(tmp_path / "zeros.git", [zeros, tree, commit], commit.id)
    folder = folder_for(tmp_path)
    assert folder.fetch(f"file://{tmp_path}/zeros.git", [zeros.id]) is None
    assert folder.num_bytes() < 150_000
    with folder.blob_reader(1000) as reader:
        assert reader.read(zeros.id) == TooLarge(100_000_000)


def test_a_file_ends_at_the_limit_also_while_nobody_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("themis_common.git.fetch._LOOK_SECONDS", 60.0)
    builder = RepositoryBuilder(tmp_path / "noise.git")
    builder.commit({"a.py": random.Random(5).randbytes(2_000_000)})
    builder.build(bare=True)
    blob = run_git("-C", str(tmp_path / "noise.git"), "rev-parse", "HEAD:a.py").decode().strip()
    folder = folder_for(tmp_path, max_bytes=100_000)
    failure = folder.fetch(f"file://{tmp_path}/noise.git", [blob])
    assert failure is not None
    assert failure.kind == "too_large"
    assert max(file.stat().st_size for file in (tmp_path / "fetched").rglob("*")) <= 100_000


def test_a_blob_of_a_local_repository_that_git_has_no_memory_for_is_damaged(tmp_path: Path) -> None:
    _, large = install_delta_bomb(tmp_path / "bomb.git", copies=10)
    small = PackedObject("blob", b"1\n")
    (commit,) = commits_of([tree := PackedObject("tree", b"100644 a.py\0" + small.raw_id)])
    install(tmp_path / "bomb.git", [small, tree, commit], commit.id)
    with (
        GitRepository.open(tmp_path / "bomb.git", SMALL) as repository,
        repository.blob_reader(10**9) as reader,
    ):
        assert reader.read(large) == Damaged()
        assert reader.read(small.id) == b"1\n"


@pytest.mark.parametrize(("levels", "width"), [(10, 10), (100_000, 1)])
def test_a_commit_whose_differences_are_too_many_or_too_deep_is_told_from_the_others(
    tmp_path: Path, levels: int, width: int
) -> None:
    """The one before it and the one after it are whole; that one goes away again counts as much as that it comes."""
    leaves = [PackedObject("blob", text) for text in (b"1\n", b"2\n", b"3\n")]
    plain = [nested(leaf, 1, 1)[0] for leaf in leaves[:2]]
    bomb = nested(leaves[2], levels, width)
    commits = commits_of([plain[0], plain[1], bomb[-1], plain[0], plain[1], plain[0]])
    install(tmp_path / "bomb.git", [*leaves, *plain, *bomb, *commits], commits[-1].id)
    with GitRepository.open(tmp_path / "bomb.git", SMALL) as repository:
        found = list(repository.commits(repository.commit_ids(repository.tips("head"))))
    assert [commit.sha for commit in reversed(found)] == [commit.id for commit in commits]
    assert [commit.num_differences for commit in reversed(found)] == [1, 1, None, None, 1, 1]
    assert {len(commit.differences) for commit in found if commit.num_differences is None} == {0}
    assert [commit.message for commit in found] == [
        f"Change the file for the time {number}\n".encode() for number in (5, 4, 3, 2, 1, 0)
    ]


def test_a_history_that_git_has_no_memory_for_is_one_line_of_error(tmp_path: Path) -> None:
    builder = RepositoryBuilder(tmp_path / "project")
    builder.commit({"a.py": b"1\n"}, b"x" * 70_000_000)
    builder.build()
    with (
        pytest.raises(UserError, match="git .* more memory than 64,000,000 bytes in .*: allow it more"),
        GitRepository.open(tmp_path / "project", SMALL) as repository,
    ):
        list(repository.commits([repository.head]))


def test_any_number_of_differences_is_counted_in_bounded_memory() -> None:
    entry = b":100644 100644 " + b"b" * 40 + b" " + b"c" * 40 + b" M\0path/of/a/file.py\0"
    count = 200_000
    start = b"\0".join([b"a" * 40, b"", b"1", b"name", b"mail", b"message\n", b"\n"])

    class Output:
        """What git writes, made as it is read."""

        parts = itertools.chain([start], itertools.repeat(entry * 1000, count // 1000))

        def read(self, _size: int) -> bytes:
            return next(self.parts, b"")

    tracemalloc.start()
    (commit,) = parse_log(Output())  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (commit.num_differences, len(commit.differences)) == (count, MAX_DIFFERENCES)
    assert peak < 2_000_000
