"""Names and paths of the repositories that a run reads."""

from pathlib import Path

import pytest

from themis_common.errors import UserError
from themis_common.git import RepositoryLocation, parse_repositories


@pytest.mark.parametrize(
    ("entry", "name", "path"),
    [
        ("/data/project", "project", "/data/project"),
        ("/data/project.git", "project", "/data/project.git"),
        ("/data/project/.git", "project", "/data/project/.git"),
        ("/data/a#owner/project", "owner/project", "/data/a"),
        ("/data/c#-samples#short", "short", "/data/c#-samples"),
        ("/data/.github", ".github", "/data/.github"),
    ],
)
def test_an_entry_is_a_path_with_an_optional_name(entry: str, name: str, path: str) -> None:
    assert parse_repositories([entry]) == [RepositoryLocation(name, Path(path))]


def test_a_folder_that_is_there_is_a_path_whatever_it_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "c#" / "project"
    folder.mkdir(parents=True)
    assert parse_repositories([str(folder)]) == [RepositoryLocation("project", folder)]


def test_locations_are_sorted_and_an_entry_may_be_repeated() -> None:
    locations = parse_repositories(["/data/b", "/data/a", "/data/b"])
    assert [location.name for location in locations] == ["a", "b"]


def test_two_repositories_of_one_name_are_refused() -> None:
    with pytest.raises(UserError, match="write /two/project#NAME"):
        parse_repositories(["/one/project", "/two/project"])


@pytest.mark.parametrize("entry", ["/data/odd name", "/", "/data/a#b/c/d", "/data/a#..", "/data/a#x y"])
def test_an_entry_that_gives_no_name_is_refused(entry: str) -> None:
    with pytest.raises(UserError, match="no usable name"):
        parse_repositories([entry])
