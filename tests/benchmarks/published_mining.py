"""The published way to mine the tables (facts/dataset.md section 3), as DuckDB SQL: joins first, then groups.

Languages of repositories, their licences, and the repositories and differences of commits are all unnested and joined;
then the rows are filtered and grouped by the text of the message. The count of paths is taken within groups of one
path, so that it refuses nothing.
"""

from pathlib import Path

import duckdb

from components.dataset.mine_commits.config import PUBLISHED_LANGUAGES
from components.dataset.mine_commits.licences import ALLOWED
from components.dataset.mine_commits.messages import blocked_messages

_QUERY = """
    SELECT
      changed.commit,
      changed.subject,
      changed.message,
      string_agg(DISTINCT changed.repo, ',') AS repos,
      licenses.license,
      changed.old_path,
      changed.new_path,
      changed.time_sec
    FROM (SELECT repo_name, unnest(language).name AS name FROM languages) AS spoken
    JOIN licenses ON licenses.repo_name = spoken.repo_name
    JOIN (
      SELECT commit, subject, message, repo, committer.time_sec AS time_sec,
        difference.old_path AS old_path, difference.new_path AS new_path
      FROM (SELECT commit, subject, message, committer, unnest(repo_name) AS repo, difference AS all_differences
        FROM commits) AS held, unnest(held.all_differences) AS one(difference)
    ) AS changed ON changed.repo = spoken.repo_name
    WHERE licenses.license IN (SELECT unnest($licenses))
      AND spoken.name IN (SELECT unnest($languages))
      AND length(changed.message) > 10 AND length(changed.message) < 15000
      AND lower(changed.message) NOT IN (SELECT unnest($blocked))
      AND lower(changed.message) NOT LIKE '%pi push%'
      AND lower(changed.message) NOT LIKE '%push pi%'
      AND lower(changed.message) NOT LIKE 'merge%'
      AND changed.old_path = changed.new_path
    GROUP BY changed.commit, changed.subject, changed.message, licenses.license, changed.old_path,
      changed.new_path, changed.time_sec
    HAVING count(DISTINCT changed.old_path) = 1
"""


def mine_as_published(tables: Path, target: Path) -> int:
    """Run the published logic on a folder of parquet tables; returns the rows that it wrote to `target`."""
    values = {
        "licenses": sorted(ALLOWED["published-12"]),
        "languages": list(PUBLISHED_LANGUAGES),
        "blocked": sorted(blocked_messages()),
    }
    with duckdb.connect(config={"preserve_insertion_order": False}) as connection:
        for name in ("languages", "licenses", "commits"):
            connection.read_parquet(str(tables / f"{name}.parquet")).create_view(name)
        copy = f"COPY ({_QUERY}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        ((rows,),) = connection.execute(copy, values).fetchall()
    return int(rows)
