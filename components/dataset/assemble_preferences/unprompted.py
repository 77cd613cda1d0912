"""The two kinds of input row as one: a preference pair that has no split and perhaps no system prompt yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from themis_common.hashing import row_key

JUDGED_COLUMNS = (
    "row_key",
    "instruction",
    "new_contents",
    "old_contents",
    "language",
    "criterion",
    "repo",
    "repos",
    "commit",
    "path",
    "licenses",
)
"""The columns of a judged change that become part of its pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpromptedPair:
    """A pair before assembly.

    Attributes:
        system: the system prompt that an imported pair brings along; it is kept.
        repos: every repository that holds the change; empty for pairs without provenance.
    """

    row_key: str
    system: str | None
    input: str
    chosen: str
    rejected: str
    language: str
    criterion: str
    source: str
    repo: str | None
    repos: Sequence[str]
    commit: str | None
    path: str | None
    license: str | None

    @property
    def identity(self) -> str:
        """Equal for exact duplicates: same prompt, same responses, same criterion."""
        return row_key(self.input, self.chosen, self.rejected, self.criterion)


def from_judged(row: Mapping[str, Any], source: str) -> UnpromptedPair:
    """A judged change as a pair: the instruction is the prompt, the new version is chosen over the old."""
    return UnpromptedPair(
        row_key=row["row_key"],
        system=None,
        input=row["instruction"],
        chosen=row["new_contents"],
        rejected=row["old_contents"],
        language=row["language"],
        criterion=row["criterion"],
        source=source,
        repo=row["repo"],
        repos=row["repos"],
        commit=row["commit"],
        path=row["path"],
        license=", ".join(row["licenses"]) or None,
    )


def from_imported(row: Mapping[str, Any]) -> UnpromptedPair:
    """An imported pair, its split forgotten."""
    columns = {name: value for name, value in row.items() if name != "split"}
    return UnpromptedPair(**columns, repos=[row["repo"]] if row["repo"] else [])
