"""Mining local git repositories.

Every commit that a walk meets is an input key; it becomes a row or is dropped under the first reason that applies.
A unit is a family of repositories that share history, so that a commit held by several of them is one row that
lists them all. Source: facts/dataset.md sections 3 and 16.1.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from components.dataset.mine_commits.bots import is_bot
from components.dataset.mine_commits.changes import why_no_single_change
from components.dataset.mine_commits.config import MineCommitsConfig
from components.dataset.mine_commits.families import Holders, find_families
from components.dataset.mine_commits.licences import is_allowed, repository_licences
from components.dataset.mine_commits.messages import subject_of, why_refused
from components.dataset.mine_commits.reverts import RevertTracker
from themis_common.errors import UserError
from themis_common.git import (
    Commit,
    GitRepository,
    ProcessLimits,
    RepositoryLocation,
    parse_repositories,
)
from themis_common.hashing import row_key
from themis_common.stages import Context, UnitOutput

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class _Family:
    """Opened repositories that share history, with what is known of each."""

    names: Sequence[str]
    repositories: Sequence[GitRepository]
    licences: Sequence[frozenset[str]]
    holders: Holders


def _locations(config: MineCommitsConfig) -> list[RepositoryLocation]:
    locations = parse_repositories(config.repositories)
    if not locations:
        raise UserError("git_repos is empty: name the local git repositories to mine")
    return locations


def _limits(config: MineCommitsConfig) -> ProcessLimits:
    return ProcessLimits(memory_bytes=config.max_git_memory_mb * _MEGABYTE)


def fingerprint(config: MineCommitsConfig) -> Mapping[str, str]:
    """A digest of the refs of each repository."""
    digests = {}
    for location in _locations(config):
        with GitRepository.open(location.path, _limits(config)) as repository:
            digests[f"repository {location.name}"] = repository.refs_digest(config.history)
    return digests


def plan(context: Context[MineCommitsConfig]) -> list[str]:
    """One unit for each family: the names of its repositories with blanks between."""
    locations = _locations(context.config)
    with ExitStack() as stack:
        limits = _limits(context.config)
        repositories = [
            stack.enter_context(GitRepository.open(location.path, limits)) for location in locations
        ]
        families = find_families(repositories, context.config.history)
    return [" ".join(locations[index].name for index in family) for family in families]


def work(context: Context[MineCommitsConfig], unit: str, output: UnitOutput) -> None:
    """Mine one family."""
    paths = {location.name: location.path for location in _locations(context.config)}
    names = unit.split(" ")
    with ExitStack() as stack:
        limits = _limits(context.config)
        repositories = [stack.enter_context(GitRepository.open(paths[name], limits)) for name in names]
        family = _Family(
            names=names,
            repositories=repositories,
            licences=[repository_licences(repository) for repository in repositories],
            holders=Holders(repositories, context.config.history),
        )
        for index, repository in enumerate(repositories):
            reverts = RevertTracker()
            for done, commit in enumerate(repository.commits(family.holders.to_read(index))):
                _mine(context.config, commit, family, reverts, output)
                context.progress.update(done, unit=f"commits of {names[index]}")


def _mine(
    config: MineCommitsConfig, commit: Commit, family: _Family, reverts: RevertTracker, output: UnitOutput
) -> None:
    """Emit one commit, or drop it."""
    key = row_key(commit.sha)
    output.read([key])
    holders = family.holders.of(commit.sha)
    allowed = [index for index in holders if is_allowed(family.licences[index], config.licenses)]
    message = _decoded(commit.message)
    role = reverts.role(commit.sha, subject_of(message), message) if message is not None else None
    reason = why_no_single_change(commit)
    if reason is None:
        reason = _why_unwanted(config, commit, message, role, bool(allowed))
    if reason is not None:
        output.drop(key, reason, f"{family.names[holders[0]]} {commit.sha}")
        return
    assert message is not None
    output.emit(_row(key, commit, message, family, allowed))


def _why_unwanted(
    config: MineCommitsConfig, commit: Commit, message: str | None, role: str | None, has_licence: bool
) -> str | None:
    """The reason to drop a commit that does change a single file."""
    start, end = config.window
    if not has_licence:
        return "licence_refused"
    if not start <= commit.unix_time < end:
        return "outside_window"
    if config.drop_bots and is_bot(commit.author_name, commit.author_email):
        return "bot"
    if message is None:
        return "message_not_utf8"
    if config.drop_reverts and role is not None:
        return role
    return why_refused(message)


def _row(key: str, commit: Commit, message: str, family: _Family, holders: Sequence[int]) -> dict[str, Any]:
    (difference,) = commit.differences
    return {
        "row_key": key,
        "commit": commit.sha,
        "parent": commit.parents[0],
        "repos": sorted(family.names[index] for index in holders),
        "licenses": sorted({licence for index in holders for licence in family.licences[index]}),
        "subject": subject_of(message),
        "message": message,
        "path": difference.path.decode("utf-8"),
        "old_blob": difference.old_blob,
        "new_blob": difference.new_blob,
        "unix_time": commit.unix_time,
    }


def _decoded(message: bytes) -> str | None:
    """The message without blanks around it, or None where it is no UTF-8."""
    try:
        return message.decode("utf-8").strip()
    except UnicodeDecodeError:
        return None
