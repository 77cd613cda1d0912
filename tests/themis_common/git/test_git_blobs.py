"""Reading blobs: contents, what is missing, what is too large, and a git that dies."""

from pathlib import Path

import pytest

from tests.fixtures.git_repositories import RepositoryBuilder, run_git
from themis_common.git import Damaged, GitRepository, Missing, TooLarge


def _blob(project: Path, contents: bytes) -> str:
    return run_git("-C", str(project), "hash-object", "-w", "--stdin", stdin=contents).decode().strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    builder = RepositoryBuilder(tmp_path / "project")
    builder.commit({"a.py": b"1\n"})
    builder.build()
    return tmp_path / "project"


def test_contents_come_back_byte_for_byte(project: Path) -> None:
    contents = [b"", b"\n", b"text\r\n", bytes(range(256)) * 4, b"missing\n", b"x" * 300_000]
    ids = [_blob(project, content) for content in contents]
    with GitRepository.open(project) as repository, repository.blob_reader(max_bytes=300_000) as reader:
        assert [reader.read(blob) for blob in ids] == contents
        assert [reader.read(blob) for blob in reversed(ids)] == contents[::-1]


def test_a_blob_over_the_limit_is_not_read_and_the_next_one_is(project: Path) -> None:
    large, small = _blob(project, b"y" * 101), _blob(project, b"y" * 100)
    with GitRepository.open(project) as repository, repository.blob_reader(max_bytes=100) as reader:
        assert reader.read(large) == TooLarge(101)
        assert reader.read(small) == b"y" * 100


def test_absent_objects_and_objects_of_another_kind_are_missing(project: Path) -> None:
    with GitRepository.open(project) as repository, repository.blob_reader(max_bytes=100) as reader:
        assert reader.read("0123456789" * 4) == Missing()
        assert reader.read(repository.head) == Missing()
        assert reader.read("HEAD:a.py") == Missing()
        assert reader.read("0" * 39 + "\n") == Missing()


@pytest.mark.parametrize(("first_byte", "outcome"), [(0, Missing()), (-8, Damaged())])
def test_a_damaged_blob_is_reported_and_the_next_one_is_read(
    project: Path, first_byte: int, outcome: Missing | Damaged
) -> None:
    blob, sound = _blob(project, bytes(range(256)) * 100), _blob(project, b"sound\n")
    file = project / ".git/objects" / blob[:2] / blob[2:]
    file.chmod(0o644)
    data = bytearray(file.read_bytes())
    data[first_byte : first_byte + 8 or None] = b"\0" * 8
    file.write_bytes(bytes(data))
    with GitRepository.open(project) as repository, repository.blob_reader(max_bytes=100_000) as reader:
        assert reader.read(sound) == b"sound\n"
        assert reader.read(blob) == outcome
        assert reader.read(sound) == b"sound\n"


def test_a_killed_git_is_no_damaged_blob(project: Path) -> None:
    blob = _blob(project, b"sound\n")
    with GitRepository.open(project) as repository, repository.blob_reader(max_bytes=100) as reader:
        reader.read(blob)
        assert reader._process is not None
        reader._process.kill()
        reader._process.wait()
        with pytest.raises(RuntimeError, match="signal 9"):
            reader.read(blob)
