"""Read both versions of every changed file, from local git repositories or from a git server.

Blobs are read by their ids: nothing is checked out, no path reaches git, no filter, attribute or line-ending
conversion applies. Either source gives the same contents. Source: facts/dataset.md sections 6 and 16.1 rows 7 to 13.
"""

from collections.abc import Mapping

from components.dataset.retrieve_contents import local
from components.dataset.retrieve_contents.config import RetrieveContentsConfig
from components.dataset.retrieve_contents.contents import REASONS as CONTENT_REASONS
from components.dataset.retrieve_contents.reading import REASONS as READING_REASONS
from themis_common.schemas import CHANGES, FILTERED_COMMITS
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_by_shard


def _fingerprint(config: RetrieveContentsConfig) -> Mapping[str, str]:
    # what a server serves under an id never changes, and whether it does so can be found out by asking alone
    return {} if config.source == "remote" else local.fingerprint(config)


def _plan(context: Context[RetrieveContentsConfig]) -> list[str]:
    if context.config.source == "repositories":
        return plan_by_shard(context)
    from components.dataset.retrieve_contents.dealing import plan

    return plan(context)


def _work(context: Context[RetrieveContentsConfig], unit: str, output: UnitOutput) -> None:
    if context.config.source == "repositories":
        local.work(context, unit, output)
        return
    from components.dataset.retrieve_contents.remote import work

    work(context, unit, output)


STAGE = Stage(
    name="dataset.retrieve_contents",
    version=1,
    config=RetrieveContentsConfig,
    inputs={"commits": FILTERED_COMMITS},
    output=CHANGES,
    reasons=(
        *READING_REASONS,
        "password_required",
        "timed_out",
        "too_large_repository",
        "unreachable",
        *CONTENT_REASONS,
    ),
    plan=_plan,
    work=_work,
    fingerprint=_fingerprint,
)
