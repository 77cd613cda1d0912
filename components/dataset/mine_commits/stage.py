"""Mine single-file changes from local git repositories.

Every commit that a walk meets is an input key; it becomes a row or is dropped under the first reason that applies.
A unit is a family of repositories that share history, so that a commit held by several of them is one row that
lists them all. Source: facts/dataset.md sections 3 and 16.1.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from components.dataset.mine_commits.bots import is_bot
from components.dataset.mine_commits.changes import REASONS as CHANGE_REASONS
from components.dataset.mine_commits.changes import why_no_single_change
from components.dataset.mine_commits.families import Holders, find_families
from components.dataset.mine_commits.licences import Policy, is_allowed, repository_licences
from components.dataset.mine_commits.messages import subject_of, why_refused
from components.dataset.mine_commits.reverts import RevertTracker
from themis_common.config import config, option
from themis_common.errors import UserError
from themis_common.git import Commit, GitRepository, RepositoryLocation, parse_repositories
from themis_common.hashing import row_key
from themis_common.schemas import COMMITS
from themis_common.stages import Context, Stage, UnitOutput

_YEAR_10000 = 253_402_300_800


@config
class MineCommitsConfig:
    """What to mine."""

    repositories: tuple[str, ...] = option(
        (),
        help="local git repositories, each PATH or PATH#NAME; NAME is how rows mention it, e.g. owner/project",
        shared="git_repos",
        # what the output depends on are the names and refs, which are in the fingerprint
        affects_result=False,
    )
    history: Literal["head", "branches"] = option(
        "head", help="walk what HEAD reaches, or what any local or remote branch reaches"
    )
    licenses: Policy = option(
        "any",
        help="repositories to use by their licence: any (recorded), permissive-only, or the published twelve",
    )
    since: str = option("", help="first UTC day of commits to use, YYYY-MM-DD; empty: no limit")
    until: str = option("", help="first UTC day of commits no longer to use, YYYY-MM-DD; empty: no limit")
    drop_bots: bool = option(True, help="leave out commits whose author is a program")
    drop_reverts: bool = option(True, help="leave out reverts and the commits that they take back")

    def __post_init__(self) -> None:
        start, end = self.window
        if start >= end:
            raise ValueError(f"since {self.since} is not before until {self.until}")

    @property
    def window(self) -> tuple[int, int]:
        """Committer times to use, in Unix seconds: the first one, and the first one after them."""
        start = _midnight("since", self.since) if self.since else 1
        end = _midnight("until", self.until) if self.until else _YEAR_10000
        return start, end


@dataclass(frozen=True)
class _Family:
    """Opened repositories that share history, with what is known of each."""

    names: Sequence[str]
    repositories: Sequence[GitRepository]
    licences: Sequence[frozenset[str]]
    holders: Holders


def _midnight(option_name: str, day: str) -> int:
    try:
        return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise ValueError(f"{option_name} must be a day such as 2019-03-01, found {day!r}") from error


def _locations(config: MineCommitsConfig) -> list[RepositoryLocation]:
    locations = parse_repositories(config.repositories)
    if not locations:
        raise UserError("git_repos is empty: name the local git repositories to mine")
    return locations


def _fingerprint(config: MineCommitsConfig) -> Mapping[str, str]:
    digests = {}
    for location in _locations(config):
        with GitRepository.open(location.path) as repository:
            digests[f"repository {location.name}"] = repository.refs_digest(config.history)
    return digests


def _plan(context: Context[MineCommitsConfig]) -> list[str]:
    """One unit for each family: the names of its repositories with blanks between."""
    locations = _locations(context.config)
    with ExitStack() as stack:
        repositories = [stack.enter_context(GitRepository.open(location.path)) for location in locations]
        families = find_families(repositories, context.config.history)
    return [" ".join(locations[index].name for index in family) for family in families]


def _work(context: Context[MineCommitsConfig], unit: str, output: UnitOutput) -> None:
    paths = {location.name: location.path for location in _locations(context.config)}
    names = unit.split(" ")
    with ExitStack() as stack:
        repositories = [stack.enter_context(GitRepository.open(paths[name])) for name in names]
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


STAGE = Stage(
    name="dataset.mine_commits",
    version=1,
    config=MineCommitsConfig,
    output=COMMITS,
    reasons=(
        *CHANGE_REASONS,
        "licence_refused",
        "outside_window",
        "bot",
        "message_not_utf8",
        "revert",
        "reverted",
        "message_too_short",
        "message_too_long",
        "message_blocked",
    ),
    plan=_plan,
    work=_work,
    fingerprint=_fingerprint,
)
