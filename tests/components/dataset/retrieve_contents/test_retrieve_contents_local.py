"""Reading both versions of changed files out of real repositories, and every way in which that can fail."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from components.dataset.retrieve_contents.config import RetrieveContentsConfig
from components.dataset.retrieve_contents.contents import Texts, Unusable, read_texts
from components.dataset.retrieve_contents.stage import STAGE
from tests.components.dataset.mined import filtered_row
from tests.components.dataset.written import write_dataset
from tests.fixtures.git_repositories import RepositoryBuilder, run_git
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import CHANGES, FILTERED_COMMITS
from themis_common.stages import run_stage

OLD, NEW = b"x = 1\n", b"x = 2\n"


def repository_with(path: Path, *contents: bytes) -> list[str]:
    """A repository with these blobs in one commit; returns their ids."""
    builder = RepositoryBuilder(path)
    builder.commit({f"{number}.py": content for number, content in enumerate(contents)})
    builder.build()
    return [
        run_git("-C", str(path), "rev-parse", f"HEAD:{number}.py").decode().strip()
        for number in range(len(contents))
    ]


def retrieve(
    folder: Path,
    repositories: Sequence[Path | str],
    rows: Sequence[dict[str, Any]],
    shards: int = 1,
    **options: Any,
) -> DatasetReader:
    folder.mkdir(exist_ok=True)
    source = write_dataset(folder / "in", FILTERED_COMMITS, rows, shards)
    config = RetrieveContentsConfig(repositories=tuple(str(path) for path in repositories), **options)
    return DatasetReader(run_stage(STAGE, config, {"commits": source}, str(folder / "out")).uri, CHANGES)


def outcome(dataset: DatasetReader) -> tuple[str, str]:
    """Reason and detail of the only row, which was dropped."""
    (row,) = dataset.rejected()
    return row["reason"], row["detail"]


def test_both_versions_are_read_whatever_the_path_is_called(tmp_path: Path) -> None:
    """facts/dataset.md section 18.8: blank, semicolon and the like are successes; nothing is executed."""
    old, new = repository_with(tmp_path / "tool", OLD, NEW)
    paths = ["a.py", "with blank.py", "x;touch pwned;.py", "$(touch pwned).py", "-rf", "line\nfeed.py"]
    rows = [filtered_row(path, path=path, repos=["tool"], old_blob=old, new_blob=new) for path in paths]
    dataset = retrieve(tmp_path / "run", [tmp_path / "tool"], rows)
    assert [
        (row["path"], row["repo"], row["old_contents"], row["new_contents"]) for row in dataset.rows()
    ] == [(path, "tool", "x = 1\n", "x = 2\n") for path in paths]


def test_the_next_repository_is_tried_when_one_is_gone_or_lacks_a_blob(tmp_path: Path) -> None:
    old, new = repository_with(tmp_path / "m-full", OLD, NEW)
    repository_with(tmp_path / "b-other", OLD)
    (tmp_path / "c-empty").mkdir()
    names = ["a-unlisted", "b-other", "c-empty", "m-full", "z-full"]
    repository_with(tmp_path / "z-full", OLD, NEW)
    row = filtered_row("one", repos=names, old_blob=old, new_blob=new)
    dataset = retrieve(tmp_path / "run", [tmp_path / name for name in names[1:]], [row])
    assert [row["repo"] for row in dataset.rows()] == ["m-full"]


def test_a_missing_blob_and_a_missing_repository_are_told_apart(tmp_path: Path) -> None:
    old, _ = repository_with(tmp_path / "tool", OLD, NEW)
    row = filtered_row("one", repos=["tool"], old_blob=old, new_blob="9" * 40)
    assert outcome(retrieve(tmp_path / "missing", [tmp_path / "tool"], [row])) == (
        "blob_missing",
        f"tool {old} {'9' * 40}",
    )
    row = filtered_row("one", repos=["other"], old_blob=old, new_blob=old)
    assert outcome(retrieve(tmp_path / "gone", [tmp_path / "tool"], [row])) == (
        "repo_gone",
        "other is not among git_repos",
    )
    row = filtered_row("one", repos=[], old_blob=old, new_blob=old)
    assert outcome(retrieve(tmp_path / "none", [tmp_path / "tool"], [row]))[0] == "repo_gone"
    shutil.rmtree(tmp_path / "tool/.git")
    row = filtered_row("one", repos=["tool"], old_blob=old, new_blob=old)
    reason, detail = outcome(retrieve(tmp_path / "removed", [tmp_path / "tool"], [row]))
    assert reason == "repo_gone"
    assert "is no git repository" in detail


def test_a_file_over_the_limit_is_dropped(tmp_path: Path) -> None:
    old, new = repository_with(tmp_path / "tool", b"x" * 100, b"x" * 101)
    row = filtered_row("one", repos=["tool"], old_blob=old, new_blob=new)
    assert outcome(retrieve(tmp_path / "run", [tmp_path / "tool"], [row], max_bytes=100))[0] == "too_large"
    assert retrieve(tmp_path / "more", [tmp_path / "tool"], [row], max_bytes=101).manifest.rows == 1


def test_a_damaged_blob_is_dropped_and_the_next_row_is_read(tmp_path: Path) -> None:
    old, new, bad = repository_with(tmp_path / "tool", OLD, NEW, bytes(range(32, 120)) * 200)
    file = tmp_path / "tool/.git/objects" / bad[:2] / bad[2:]
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-8] + b"\0" * 8)
    rows = [
        filtered_row("one", repos=["tool"], old_blob=old, new_blob=bad),
        filtered_row("two", repos=["tool"], old_blob=old, new_blob=new),
    ]
    dataset = retrieve(tmp_path / "run", [tmp_path / "tool"], rows)
    assert outcome(dataset)[0] == "blob_damaged"
    assert [row["commit"] for row in dataset.rows()] == ["two"]


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (OLD, NEW, Texts("x = 1\n", "x = 2\n")),
        (
            "caf\u00e9\r\n".encode(),
            "\ufeffcaf\u00e9 \u2603".encode(),
            Texts("caf\u00e9\r\n", "\ufeffcaf\u00e9 \u2603"),
        ),
        (OLD, b"caf\xe9\n", Unusable("non_utf8", "new")),
        (b"caf\xe9\n", NEW, Unusable("non_utf8", "old")),
        (OLD, b"x\0y", Unusable("binary", "new")),
        (OLD, "x = 2\n".encode("utf-16"), Unusable("binary", "new")),
        (OLD, b"\xed\xa0\x80", Unusable("non_utf8", "new")),
        (OLD, b"", Unusable("empty", "new")),
        (b" \n", NEW, Unusable("empty", "old")),
        (LFS, NEW, Unusable("lfs_pointer", "old")),
        (b"a\nb\n", b"a\r\nb\r\n", Unusable("identical", "both")),
        (OLD, OLD, Unusable("identical", "both")),
    ],
)
def test_contents_are_text_or_have_a_named_reason(old: bytes, new: bytes, expected: Texts | Unusable) -> None:
    assert read_texts(old, new) == expected


def test_reasons_of_contents_reach_the_side_table(tmp_path: Path) -> None:
    old, new = repository_with(tmp_path / "tool", OLD, b"caf\xe9\n")
    row = filtered_row("one", repos=["tool"], old_blob=old, new_blob=new, path="a b.py")
    assert outcome(retrieve(tmp_path / "run", [tmp_path / "tool"], [row])) == ("non_utf8", "new a b.py")


def test_attributes_and_settings_of_the_repository_do_not_touch_contents(tmp_path: Path) -> None:
    builder = RepositoryBuilder(tmp_path / "tool")
    builder.commit(
        {"0.py": OLD, "1.py": b"x = 2 $Id$\r\n", ".gitattributes": b"*.py text eol=crlf ident filter=evil\n"}
    )
    builder.build()
    git = ["-C", str(tmp_path / "tool")]
    run_git(*git, "config", "filter.evil.smudge", f"touch {tmp_path / 'pwned'}")
    run_git(*git, "config", "core.autocrlf", "true")
    blobs = [run_git(*git, "rev-parse", f"HEAD:{name}").decode().strip() for name in ("0.py", "1.py")]
    row = filtered_row("one", repos=["tool"], old_blob=blobs[0], new_blob=blobs[1], path="1.py")
    (change,) = retrieve(tmp_path / "run", [tmp_path / "tool"], [row]).rows()
    assert (change["old_contents"], change["new_contents"]) == ("x = 1\n", "x = 2 $Id$\r\n")
    assert not (tmp_path / "pwned").exists()


def test_more_repositories_than_are_open_at_once_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.dataset.retrieve_contents.sources._OPEN_AT_ONCE", 2)
    rows, paths = [], []
    for number in range(5):
        old, new = repository_with(tmp_path / f"r{number:02}", b"x = %d\n" % number, b"y = %d\n" % number)
        paths.append(tmp_path / f"r{number:02}")
        rows.append(filtered_row(f"c{number}", repos=[f"r{number:02}"], old_blob=old, new_blob=new))
    dataset = retrieve(tmp_path / "run", paths, [*rows, {**rows[0], "row_key": "again"}])
    assert dataset.manifest.rows == 6


def test_without_repositories_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="git_repos is empty"):
        retrieve(tmp_path / "run", [], [filtered_row("one")])


def test_fetching_into_a_repository_makes_a_finished_output_another_one(tmp_path: Path) -> None:
    old, new = repository_with(tmp_path / "tool", OLD, NEW)
    row = filtered_row("one", repos=["tool"], old_blob=old, new_blob=new)
    retrieve(tmp_path / "run", [tmp_path / "tool"], [row])
    run_git("-C", str(tmp_path / "tool"), "commit", "--quiet", "--allow-empty", "-m", "One more")
    with pytest.raises(UserError, match="other inputs"):
        retrieve(tmp_path / "run", [tmp_path / "tool"], [row])


def test_sharding_changes_nothing_and_output_changes_only_with_a_new_version(tmp_path: Path) -> None:
    blobs = repository_with(tmp_path / "tool", *[b"x = %d\n" % number for number in range(6)])
    rows = [
        filtered_row(f"c{number}", repos=["tool"], old_blob=blobs[number], new_blob=blobs[number + 1])
        for number in range(5)
    ]
    digests = {
        retrieve(tmp_path / str(shards), [tmp_path / "tool"], rows, shards).digest[:16] for shards in (1, 3)
    }
    assert (STAGE.version, digests) == (1, {"11283fa4cd0ffff7"})
