"""The options of mining."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from components.dataset.mine_commits.bigquery_options import BigQueryOptions
from components.dataset.mine_commits.licences import Policy
from themis_common.config import config, option

_YEAR_10000 = 253_402_300_800

PUBLISHED_LANGUAGES = ("Python", "Java", "JavaScript", "C", "C#", "C++", "TypeScript", "Go", "Ruby")
"""Languages of repositories, as GitHub spells them (facts/dataset.md section 3)."""


@config
class MineCommitsConfig:
    """What to mine."""

    source: Literal["repositories", "duckdb", "bigquery"] = option(
        "repositories",
        help="mine local git repositories, or tables shaped like BigQuery's github_repos, in DuckDB or in BigQuery",
    )
    repositories: tuple[str, ...] = option(
        (),
        help="local git repositories, each PATH or PATH#NAME; NAME is how rows mention it, e.g. owner/project",
        shared="git_repos",
        # what the output depends on are the names and refs, which are in the fingerprint
        affects_result=False,
    )
    history: Literal["head", "branches"] = option(
        "head", help="of repositories, walk what HEAD reaches, or what any local or remote branch reaches"
    )
    tables: str = option(
        "",
        help="absolute path of a .duckdb file, or of a folder of parquet, with the tables commits, languages, licenses",
        # what the output depends on are the contents, which are in the fingerprint
        affects_result=False,
    )
    bigquery: BigQueryOptions = option(
        default_factory=BigQueryOptions,
        help="of source bigquery, the datasets, the project that pays, and the most it may cost",
        # what the output depends on is the state of the tables, which is in the fingerprint
        affects_result=False,
    )
    languages: tuple[str, ...] = option(
        PUBLISHED_LANGUAGES,
        help="of tables, use repositories that have code in one of these, as GitHub spells them; empty: in any",
    )
    licenses: Policy = option(
        "any",
        help="repositories to use by their licence: any (recorded), permissive-only, or the published twelve",
    )
    since: str = option("", help="first UTC day of commits to use, YYYY-MM-DD; empty: no limit")
    until: str = option("", help="first UTC day of commits no longer to use, YYYY-MM-DD; empty: no limit")
    drop_bots: bool = option(True, help="leave out commits whose author is a program")
    drop_reverts: bool = option(True, help="leave out reverts and the commits that they take back")
    memory_mb: int = option(
        2048,
        help="memory in MB that the query on tables may take before it uses the disk",
        affects_result=False,
    )

    max_git_memory_mb: int = option(
        1024,
        help="memory in MB that one git process may take; a commit whose differences take more is dropped",
    )

    def __post_init__(self) -> None:
        start, end = self.window
        if start >= end:
            raise ValueError(f"since {self.since} is not before until {self.until}")
        if self.tables and not Path(self.tables).is_absolute():
            raise ValueError(f"tables must be an absolute path, found {self.tables!r}")
        if self.source == "duckdb" and not self.tables:
            raise ValueError("tables is not set; name the .duckdb file or the folder of parquet to mine")
        if self.source == "bigquery":
            self.bigquery.check()
        for name in ("memory_mb", "max_git_memory_mb"):
            if getattr(self, name) < 64:
                raise ValueError(f"{name} must be at least 64, found {getattr(self, name)}")

    @property
    def window(self) -> tuple[int, int]:
        """Committer times to use, in Unix seconds: the first one, and the first one after them."""
        start = _midnight("since", self.since) if self.since else 1
        end = _midnight("until", self.until) if self.until else _YEAR_10000
        return start, end


def _midnight(option_name: str, day: str) -> int:
    try:
        return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise ValueError(f"{option_name} must be a day such as 2019-03-01, found {day!r}") from error
