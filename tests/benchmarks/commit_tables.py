"""Synthetic tables shaped like BigQuery's github_repos: as many commits as asked for, equal for equal seeds.

DuckDB makes them from hashes of row numbers, a few million rows in seconds. Shares are invented but of the kind of the
public set: most commits change several files, a third of the messages ends in a line feed, forks hold what their
origin holds, and some messages and licences are unwanted.
"""

from pathlib import Path

import duckdb

_REPOSITORIES_PER_COMMIT = 1 / 40


def write_tables(folder: Path, *, commits: int, seed: int) -> None:
    """Write `commits`, `languages` and `licenses` as parquet into `folder`, which must not exist."""
    folder.mkdir(parents=True)
    values = {
        "commits": commits,
        "repositories": max(1, int(commits * _REPOSITORIES_PER_COMMIT)),
        "seed": seed,
    }
    with duckdb.connect() as connection:
        for name in ("languages", "licenses", "commits"):
            target = str(folder / f"{name}.parquet").replace("'", "''")
            query = globals()[f"_{name.upper()}"]
            used = {key: value for key, value in values.items() if f"${key}" in query}
            connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)", used)


_LANGUAGES = """
    SELECT
      'owner' || (i % 5000) || '/project' || i AS repo_name,
      list_transform(
        range(1 + (hash(i, $seed, 1) % 4)::BIGINT),
        lambda k: struct_pack(
          name := ['Python', 'Shell', 'Java', 'HTML', 'C', 'Go', 'CSS', 'Ruby', 'C++', 'PHP']
            [1 + (hash(i, $seed, 2, k) % 10)::BIGINT],
          bytes := 1000
        )
      ) AS language
    FROM range($repositories) AS made(i)
"""

_LICENSES = """
    SELECT
      'owner' || (i % 5000) || '/project' || i AS repo_name,
      ['mit', 'apache-2.0', 'gpl-3.0', 'gpl-2.0', 'bsd-3-clause', 'mit', 'agpl-3.0', 'mit']
        [1 + (hash(i, $seed, 3) % 8)::BIGINT] AS license
    FROM range($repositories) AS made(i)
"""

_COMMITS = """
    SELECT
      sha1(i || '-' || $seed) AS commit,
      sha1('tree' || i) AS tree,
      CASE WHEN hash(i, $seed, 4) % 12 = 0 THEN [sha1('p' || i), sha1('q' || i)] ELSE [sha1('p' || i)] END AS parent,
      struct_pack(
        name := 'Author ' || (hash(i, $seed, 5) % 9000),
        email := 'author' || (hash(i, $seed, 5) % 9000) || '@example.org',
        time_sec := 1400000000 + (i % 200000000)
      ) AS author,
      struct_pack(
        name := 'Author ' || (hash(i, $seed, 5) % 9000),
        email := 'author' || (hash(i, $seed, 5) % 9000) || '@example.org',
        time_sec := (1400000000 + (hash(i, $seed, 6) % 200000000))::BIGINT
      ) AS committer,
      'Change number ' || i AS subject,
      CASE hash(i, $seed, 7) % 10
        WHEN 0 THEN 'Update README.md' || chr(10)
        WHEN 1 THEN 'fix'
        WHEN 2 THEN 'Merge branch topic' || i
        ELSE 'Change number ' || i || ' of the parser' || chr(10) || chr(10)
          || repeat('It handles one more case. ', (hash(i, $seed, 8) % 20)::BIGINT) || chr(10)
      END AS message,
      list_transform(
        range((1 + (hash(i, $seed, 9) % 100) * (hash(i, $seed, 9) % 100) // 1500)::BIGINT),
        lambda k: struct_pack(
          old_mode := 33188::BIGINT,
          new_mode := 33188::BIGINT,
          old_path := CASE WHEN hash(i, $seed, 10, k) % 10 = 0 THEN NULL
            ELSE 'src/module' || (hash(i, $seed, 11, k) % 500) || '.py' END,
          new_path := 'src/module' || (hash(i, $seed, 11, k) % 500) || '.py',
          old_sha1 := CASE WHEN hash(i, $seed, 10, k) % 10 = 0 THEN NULL ELSE sha1('o' || i || '-' || k) END,
          new_sha1 := sha1('n' || i || '-' || k)
        )
      ) AS difference,
      hash(i, $seed, 12) % 500 = 0 AS difference_truncated,
      list_transform(
        range(1 + (CASE WHEN hash(i, $seed, 13) % 4 = 0 THEN hash(i, $seed, 14) % 6 ELSE 0 END)::BIGINT),
        lambda k: 'owner' || (((hash(i // 40, $seed, 15) + k * 7919) % $repositories) % 5000)
          || '/project' || ((hash(i // 40, $seed, 15) + k * 7919) % $repositories)
      ) AS repo_name
    FROM range($commits) AS made(i)
"""
