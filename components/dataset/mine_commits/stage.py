"""Mine single-file changes from local git repositories, or from BigQuery's github_repos and tables of its shape.

Every commit that is met is an input key; it becomes a row or is dropped under the first reason that applies. Either
source gives the same columns under the same rules. Source: facts/dataset.md sections 3 and 16.1.
"""

from collections.abc import Mapping

from components.dataset.mine_commits import repositories
from components.dataset.mine_commits.changes import REASONS as CHANGE_REASONS
from components.dataset.mine_commits.config import MineCommitsConfig
from themis_common.schemas import COMMITS
from themis_common.stages import Context, Stage, UnitOutput


def _fingerprint(config: MineCommitsConfig) -> Mapping[str, str]:
    if config.source == "repositories":
        return repositories.fingerprint(config)
    from components.dataset.mine_commits.tables import fingerprint

    return fingerprint(config)


def _plan(context: Context[MineCommitsConfig]) -> list[str]:
    if context.config.source == "repositories":
        return repositories.plan(context)
    from components.dataset.mine_commits.tables import plan

    return plan(context)


def _work(context: Context[MineCommitsConfig], unit: str, output: UnitOutput) -> None:
    if context.config.source == "repositories":
        repositories.work(context, unit, output)
        return
    from components.dataset.mine_commits.tables import work

    work(context, unit, output)


STAGE = Stage(
    name="dataset.mine_commits",
    version=2,
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
        "no_repository",
        "language_unwanted",
    ),
    plan=_plan,
    work=_work,
    fingerprint=_fingerprint,
)
