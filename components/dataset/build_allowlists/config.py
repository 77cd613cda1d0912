"""The options of the stage."""

import re
from typing import Literal

from themis_common.config import config, option

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@config
class BuildAllowlistsConfig:
    """Which repositories to look at, where their counts come from, and how many are enough."""

    source: Literal["table", "github"] = option(
        "table", help="take the counts from a table, or ask the GitHub API for each repository"
    )
    table: str = option(
        "",
        help="a .parquet, .csv or .jsonl file with a row for each repository, or a .duckdb file or folder of parquet "
        "with that table (repositories) or with those of GHTorrent",
        # what the output depends on are the contents, which are in the fingerprint
        affects_result=False,
    )
    candidates: tuple[str, ...] = option(
        (),
        help="JSON files of owner/project names to ask GitHub about, beside those of the input `commits`",
        # what the output depends on are the names, which are in the fingerprint
        affects_result=False,
    )
    min_stars: int = option(15, help="fewest stars (facts/dataset.md section 4)")
    min_contributors: int = option(5, help="fewest contributors")
    min_issues: int = option(10, help="fewest issues, open or closed; pull requests are none")
    snapshot: str = option(
        "",
        help="a name for the state of GitHub, such as 2026-11: what GitHub once answered counts for all runs that name "
        "the same one; another name asks anew",
    )
    api_url: str = option(
        "https://api.github.com",
        help="the REST API; of a GitHub Enterprise server it ends in /api/v3",
    )
    token_env: str = option(
        "GITHUB_TOKEN", help="environment variable that holds the API token", affects_result=False
    )
    answers: str = option(
        "",
        help="where answers of GitHub are kept and found again; empty: beside this one output",
        affects_result=False,
    )
    concurrency: int = option(4, help="requests to GitHub under way at a time, 1 to 50", affects_result=False)

    def __post_init__(self) -> None:
        if min(self.min_stars, self.min_contributors, self.min_issues) < 0:
            raise ValueError("min_stars, min_contributors and min_issues must not be negative")
        if not 1 <= self.concurrency <= 50:
            raise ValueError(f"concurrency must be from 1 to 50, found {self.concurrency}")
        if not re.match(r"https?://[^/\s]", self.api_url):
            raise ValueError(f"api_url must begin with https:// or http://, found {self.api_url!r}")
        if not re.fullmatch(r"[A-Za-z0-9_-]*", self.snapshot):
            raise ValueError(f"snapshot is made of letters, digits, - and _, found {self.snapshot!r}")
        if not _VARIABLE.fullmatch(self.token_env):
            raise ValueError(f"token_env must name an environment variable, found {self.token_env!r}")
