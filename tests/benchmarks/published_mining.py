"""The published way to mine the tables (facts/dataset.md section 3): joins first, then groups.

Languages of repositories, their licences, and the repositories and differences of commits are all unnested and joined;
then the rows are filtered and grouped by the text of the message. The count of paths is taken within groups of one
path, so that it refuses nothing.

Like ours it is written in BigQuery's dialect and translated for DuckDB by sqlglot, so that both pay for the same
translation. Its repositories stay in an arbitrary order, as published.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import sqlglot

from components.dataset.mine_commits.config import PUBLISHED_LANGUAGES, MineCommitsConfig
from components.dataset.mine_commits.licences import ALLOWED
from components.dataset.mine_commits.messages import blocked_messages
from components.dataset.mine_commits.query import mining_query, query_parameters

_QUERY = """
    SELECT
      changed.commit,
      changed.subject,
      changed.message,
      STRING_AGG(DISTINCT changed.repo) AS repos,
      licenses.license,
      changed.old_path,
      changed.new_path,
      changed.time_sec
    FROM (
      SELECT languages.repo_name, one.name
      FROM languages, UNNEST(languages.language) AS one
    ) AS spoken
    JOIN licenses ON licenses.repo_name = spoken.repo_name
    JOIN (
      SELECT held.commit, held.subject, held.message, held.repo, held.time_sec, one.old_path, one.new_path
      FROM (
        SELECT commits.commit, commits.subject, commits.message, repo, commits.committer.time_sec AS time_sec,
          commits.difference
        FROM commits, UNNEST(commits.repo_name) AS repo
      ) AS held, UNNEST(held.difference) AS one
    ) AS changed ON changed.repo = spoken.repo_name
    WHERE licenses.license IN UNNEST(@licenses)
      AND spoken.name IN UNNEST(@languages)
      AND LENGTH(changed.message) > 10 AND LENGTH(changed.message) < 15000
      AND LOWER(changed.message) NOT IN UNNEST(@blocked)
      AND LOWER(changed.message) NOT LIKE '%pi push%'
      AND LOWER(changed.message) NOT LIKE '%push pi%'
      AND LOWER(changed.message) NOT LIKE 'merge%'
      AND changed.old_path = changed.new_path
    GROUP BY changed.commit, changed.subject, changed.message, licenses.license, changed.old_path,
      changed.new_path, changed.time_sec
    HAVING COUNT(DISTINCT changed.old_path) = 1
"""


def mine_as_published(tables: Path, target: Path) -> int:
    """Run the published logic on a folder of parquet tables; returns the rows that it wrote to `target`."""
    values = {
        "licenses": sorted(ALLOWED["published-12"]),
        "languages": list(PUBLISHED_LANGUAGES),
        "blocked": sorted(blocked_messages()),
    }
    (query,) = sqlglot.transpile(_QUERY, read="bigquery", write="duckdb")
    return _copy(query, values, tables, target)


def mine_kept(config: MineCommitsConfig, tables: Path, target: Path) -> int:
    """Run our query in the same way, for the rows that it keeps; returns how many it wrote to `target`."""
    query = f"SELECT * EXCLUDE (reason) FROM ({mining_query(config, 'main', 'duckdb')}) WHERE reason IS NULL"
    return _copy(query, query_parameters(config), tables, target)


def _copy(query: str, values: Mapping[str, Any], tables: Path, target: Path) -> int:
    with duckdb.connect(config={"preserve_insertion_order": False}) as connection:
        for name in ("languages", "licenses", "commits"):
            connection.read_parquet(str(tables / f"{name}.parquet")).create_view(name)
        copy = f"COPY ({query}) TO '{target}' (FORMAT parquet, DICTIONARY_SIZE_LIMIT 1000)"
        ((rows,),) = connection.execute(copy, dict(values)).fetchall()
    return int(rows)
