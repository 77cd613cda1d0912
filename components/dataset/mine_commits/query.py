"""The query that mines tables shaped like BigQuery's github_repos: its text and its parameters."""

import re
from collections.abc import Iterable
from importlib import resources

from components.dataset.mine_commits import bots, messages
from components.dataset.mine_commits.config import MineCommitsConfig
from components.dataset.mine_commits.licences import ALLOWED
from themis_common.git.history import SUBMODULE_MODE, SYMLINK_MODE
from themis_common.sql.portability import Dialect, translate
from themis_common.sql.template import render_sql

Parameter = int | str | list[str]


def mining_query(config: MineCommitsConfig, dataset: str, dialect: Dialect) -> str:
    """The text of the query.

    Args:
        dataset: what holds the tables commits, languages and licenses, e.g. `bigquery-public-data.github_repos`.

    Raises:
        UserError: `dataset` may not stand in a query.
    """
    template = (resources.files(__package__) / "commits.sql.jinja").read_text("utf-8")
    switches = {
        "any_language": not config.languages,
        "any_license": config.licenses == "any",
        "drop_bots": config.drop_bots,
        "drop_reverts": config.drop_reverts,
    }
    return translate(render_sql(template, names={"dataset": dataset}, switches=switches), dialect)


def query_parameters(config: MineCommitsConfig) -> dict[str, Parameter]:
    """The values that the query of this configuration binds."""
    since, until = config.window
    parameters: dict[str, Parameter] = {
        "since": since,
        "until": until,
        "blocked_messages": _blocked_messages(),
        "min_chars": messages.MIN_CHARS,
        "max_chars": messages.MAX_CHARS,
        "symlink_mode": SYMLINK_MODE,
        "submodule_mode": SUBMODULE_MODE,
    }
    if config.languages:
        parameters["languages"] = list(config.languages)
    if config.licenses != "any":
        parameters["licenses"] = sorted(ALLOWED[config.licenses])
    if config.drop_bots:
        parameters["bot_names"] = rf"^[ \t\r\n]*(?:{_any_of(bots.NAMES)})[ \t\r\n]*$|\[bot\]"
    return parameters


def _blocked_messages() -> str:
    """A pattern that finds what `messages.why_refused` blocks in a trimmed message of lower-case letters."""
    whole, parts = _any_of(messages.blocked_messages()), _any_of(messages.BLOCKED_PARTS)
    return f"^(?:{re.escape(messages.BLOCKED_PREFIX)}|(?:{whole})$)|{parts}"


def _any_of(texts: Iterable[str]) -> str:
    return "|".join(re.escape(text) for text in sorted(texts))
