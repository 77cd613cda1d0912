import re
from pathlib import Path

import pytest

from components.dataset.classify_aspects.terms import TermMatcher
from pipelines.sample_data import SampleData
from tests.pipelines.sample_data.git_reading import blob, git, read_log, single_code_changes
from themis_common.taxonomy import CODE_CRITERIA, Criterion

MARCH_2019 = 1551398400


def test_three_bare_repositories_pass_fsck(small: SampleData) -> None:
    assert [path.stem for path in small.repositories] == ["inkpress", "stallmarket", "gridmeter"]
    for repository in small.repositories:
        assert git(repository, "rev-parse", "--is-bare-repository").strip() == b"true"
        assert git(repository, "symbolic-ref", "HEAD").strip() == b"refs/heads/main"
        git(repository, "fsck", "--strict")


def test_histories_are_a_few_dozen_commits_inside_the_training_window(small: SampleData) -> None:
    for repository in small.repositories:
        commits = read_log(repository)
        assert 40 <= len(commits) <= 70
        assert all(commit.unix_time < MARCH_2019 for commit in commits)


def test_at_least_eighty_changes_have_one_criterion_each(small: SampleData) -> None:
    matcher = TermMatcher(CODE_CRITERIA, "word")
    found: list[Criterion] = []
    for repository in small.repositories:
        for commit, _ in single_code_changes(repository):
            criteria = matcher.match(commit.message.decode())
            if len(criteria) == 1:
                found += criteria
    assert len(found) >= 80
    assert set(found) == set(CODE_CRITERIA)


def test_all_languages_are_there(small: SampleData) -> None:
    paths = [change.path for one in small.repositories for _, change in single_code_changes(one)]
    extensions = {path[path.rindex(b".") :] for path in paths}
    assert extensions >= {b".c", b".cs", b".cpp", b".go", b".java", b".js", b".py", b".rb"}


def test_changed_files_are_no_near_duplicates(small: SampleData) -> None:
    for side in ("old_blob", "new_blob"):
        shingles = []
        for repository in small.repositories:
            for _, change in single_code_changes(repository):
                words = re.split(r"\W", blob(repository, getattr(change, side)).decode())
                if len(words) > 60:
                    shingles.append({tuple(words[at : at + 5]) for at in range(len(words) - 4)})
        assert len(shingles) >= 80
        for position, one in enumerate(shingles):
            assert all(len(one & other) < 0.7 * len(one | other) for other in shingles[:position])


@pytest.mark.parametrize(
    ("repository", "phrase"),
    [
        ("inkpress", b"MIT License"),
        ("stallmarket", b"Version 2.0, January 2004"),
        ("gridmeter", b"BSD 3-Clause License"),
    ],
)
def test_licences_are_told_by_their_texts(small: SampleData, repository: str, phrase: bytes) -> None:
    folder = next(path for path in small.repositories if path.stem == repository)
    assert phrase in git(folder, "cat-file", "blob", "main:LICENSE")


def one_of_each(repository: Path) -> set[str]:
    kinds = set()
    for commit in read_log(repository):
        message = commit.message.decode()
        paths = [change.path for change in commit.changes]
        statuses = sorted(change.status for change in commit.changes)
        if len(commit.parents) > 1:
            kinds.add("merge")
        if statuses == [b"A", b"D"] and commit.changes[0].new_blob in (b"0" * 40, commit.changes[1].old_blob):
            kinds.add("rename")
        if statuses == [b"M", b"M"]:
            kinds.add("two files")
        if paths == [b"README.md"]:
            kinds.add("readme only")
        if statuses == [b"M"] and paths[0].endswith(b".yml"):
            kinds.add("other extension")
        if statuses == [b"M"] and len(message) <= 10:
            kinds.add("short message")
        if statuses == [b"M"] and message.lower() == "update readme.md" and paths != [b"README.md"]:
            kinds.add("blocked message on code")
        if b"[bot]" in commit.author:
            kinds.add("bot")
    return kinds


def test_every_repository_has_what_must_be_left_out(small: SampleData) -> None:
    for repository in small.repositories:
        assert one_of_each(repository) == {
            "merge",
            "rename",
            "two files",
            "readme only",
            "other extension",
            "short message",
            "blocked message on code",
            "bot",
        }
