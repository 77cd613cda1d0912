"""Which local repositories a run reads, and under which names rows mention them.

An entry is `PATH` or `PATH#NAME`. Without a name the last folder of the path is the name: datasets then do
not depend on where on a machine a repository lies. Names such as `owner/project` are what allowlists hold.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from themis_common.errors import UserError

_PART = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._-]+"
NAME = re.compile(f"{_PART}(?:/{_PART})?")
"""The names of repositories: one part, or owner and project."""


@dataclass(frozen=True, slots=True, order=True)
class RepositoryLocation:
    """A repository on this machine and the name it goes by in every table."""

    name: str
    path: Path


def parse_repositories(entries: Iterable[str]) -> list[RepositoryLocation]:
    """The locations that `entries` name, sorted by name.

    Raises:
        UserError: a name has characters that repository names do not have, or two entries share one.
    """
    found: dict[str, RepositoryLocation] = {}
    for entry in entries:
        location = _parse(entry)
        other = found.setdefault(location.name, location)
        if other != location:
            raise UserError(
                f"git_repos: both {other.path} and {location.path} are called {location.name!r}; "
                f"write {location.path}#NAME to tell them apart"
            )
    return sorted(found.values())


def _parse(entry: str) -> RepositoryLocation:
    path, separator, name = entry.rpartition("#")
    # a folder may have '#' in its name; one that is there as it stands is meant
    if not separator or Path(entry).expanduser().is_dir():
        path, name = entry, ""
    place = Path(path).expanduser().absolute()
    if not name:
        folder = place.parent if place.name == ".git" else place
        name = folder.name.removesuffix(".git")
    if not NAME.fullmatch(name):
        raise UserError(
            f"git_repos: {entry!r} gives no usable name; write PATH#NAME with letters, digits, '.', '_', '-' "
            "and at most one '/' in NAME"
        )
    return RepositoryLocation(name, place)
