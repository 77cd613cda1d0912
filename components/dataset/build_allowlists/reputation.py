"""What is known of a repository, and whether that is enough."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

import pyarrow as pa

from components.dataset.build_allowlists.config import BuildAllowlistsConfig

PROBLEMS = ("not_found", "blocked", "unavailable")
"""Why nothing is known of a repository: it is gone or private; it was taken down (DMCA); GitHub refuses otherwise."""

REASONS = (*PROBLEMS, "count_missing", "too_few_stars", "too_few_issues", "too_few_contributors")
"""Why a repository is not listed; the first that applies counts."""

TOO_MANY_TO_LIST = 1 << 30
"""Contributors of a repository that has more of them than GitHub is willing to count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reputation:
    """Counts of one repository.

    Attributes:
        repo: `owner/project`.
        language: its main language as GitHub spells it; None where it has none.
        stars, issues, contributors: None where they are not known.
        problem: one of `PROBLEMS`, or None.
    """

    repo: str
    language: str | None = None
    stars: int | None = None
    issues: int | None = None
    contributors: int | None = None
    problem: str | None = None


COUNTS = pa.schema(
    [
        ("repo", pa.string()),
        ("language", pa.string()),
        ("stars", pa.int64()),
        ("issues", pa.int64()),
        ("contributors", pa.int64()),
        ("problem", pa.string()),
    ]
)
"""The same as columns, one row for each repository."""


def as_table(found: Iterable[Reputation]) -> pa.Table:
    """Reputations as `COUNTS`."""
    return pa.Table.from_pylist([asdict(one) for one in found], schema=COUNTS)


def why_not_listed(found: Reputation, config: BuildAllowlistsConfig) -> str | None:
    """The reason to leave a repository out, or None.

    The costliest count comes last: a repository that falls out by another one needs no contributors.
    """
    if found.problem is not None:
        return found.problem
    for count, fewest, reason in (
        (found.stars, config.min_stars, "too_few_stars"),
        (found.issues, config.min_issues, "too_few_issues"),
        (found.contributors, config.min_contributors, "too_few_contributors"),
    ):
        if count is None:
            return "count_missing"
        if count < fewest:
            return reason
    return None


def may_be_listed(found: Reputation, config: BuildAllowlistsConfig) -> bool:
    """Whether nothing but its contributors, which are not known yet, can keep a repository out."""
    at_best = replace(found, contributors=TOO_MANY_TO_LIST)
    return found.contributors is None and why_not_listed(at_best, config) is None
