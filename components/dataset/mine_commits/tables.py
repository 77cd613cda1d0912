"""Mining tables shaped like BigQuery's github_repos.

The query runs once, when the stage plans: it gives every commit of the window a reason or a row, dealt over shards by
the first digits of the commit id. A unit is such a shard, so that the accounting of a unit stays small however many
commits there are.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from components.dataset.mine_commits.config import MineCommitsConfig
from components.dataset.mine_commits.duckdb_tables import SCHEMA, digests, opened
from components.dataset.mine_commits.messages import subject_of
from components.dataset.mine_commits.query import mining_query, query_parameters
from themis_common.config import config_hash
from themis_common.hashing import digest_of, row_key
from themis_common.stages import Context, UnitOutput
from themis_common.store import Store

_COMMITS_PER_SHARD = 200_000
_SHARDS = "shards.json"
_BATCH = 10_000


def fingerprint(config: MineCommitsConfig) -> Mapping[str, str]:
    """Digests of the tables."""
    return digests(Path(config.tables))


def plan(context: Context[MineCommitsConfig]) -> list[str]:
    """Run the query, unless an earlier attempt did; the units are the shards of its result."""
    results = _results(context)
    if not results.exists(_SHARDS):
        folder = context.scratch / "mined"
        _run_query(context, folder)
        shards = _keep(folder, results)
        results.write_bytes(_SHARDS, json.dumps(shards).encode())
    return sorted(json.loads(results.read_bytes(_SHARDS)))


def work(context: Context[MineCommitsConfig], unit: str, output: UnitOutput) -> None:
    """Turn one shard of the query's result into rows and drops, in the order of the commit ids."""
    results = _results(context)
    files: list[Path] = []
    for name in json.loads(results.read_bytes(_SHARDS))[unit]:
        files.append(context.scratch / str(len(files)))
        with results.open_read(name) as source, files[-1].open("wb") as target:
            shutil.copyfileobj(source, target)
    for done, found in enumerate(_rows_in_order(files, context.scratch, context.config.memory_mb)):
        key = row_key(found["commit"])
        output.read([key])
        if found["reason"] is not None:
            output.drop(key, found["reason"], found["commit"])
        else:
            output.emit(_row(key, found))
        context.progress.update(done, unit=f"commits of shard {unit}")


def shard_digits(num_commits: int) -> int:
    """How many hexadecimal digits of the commit id name a shard, so that shards stay small."""
    digits = 0
    while num_commits > _COMMITS_PER_SHARD * 16**digits:
        digits += 1
    return digits


def _results(context: Context[MineCommitsConfig]) -> Store:
    """Where the query's result is kept: a place for each query, configuration and state of the tables."""
    query = mining_query(context.config, SCHEMA, "duckdb")
    key = digest_of([query, config_hash(context.config), fingerprint(context.config)])
    return context.workspace.child(f"query/{key[:20]}")


def _run_query(context: Context[MineCommitsConfig], folder: Path) -> None:
    """Write the query's result as parquet, in a subfolder for each shard."""
    config = context.config
    context.progress.say(f"querying {config.tables}")
    with opened(Path(config.tables), context.scratch, config.memory_mb) as connection:
        ((num_commits,),) = connection.execute("SELECT COUNT(*) FROM commits").fetchall()
        query = mining_query(config, SCHEMA, "duckdb")
        target = str(folder).replace("'", "''")
        connection.execute(
            f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (shard))",
            query_parameters(config, shard_digits(num_commits)),
        )


def _keep(folder: Path, results: Store) -> dict[str, list[str]]:
    """Copy the files below `folder` to the store; returns their names by shard."""
    shards: dict[str, list[str]] = {}
    for file in sorted(folder.glob("shard=*/*.parquet")):
        shard = file.parent.name.removeprefix("shard=")
        names = shards.setdefault(shard, [])
        names.append(f"{shard}/{len(names)}.parquet")
        with file.open("rb") as source, results.open_write(names[-1]) as target:
            shutil.copyfileobj(source, target)
    return shards


def _rows_in_order(files: list[Path], scratch: Path, memory_mb: int) -> Iterator[dict[str, Any]]:
    limits: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{memory_mb}MB",
        "temp_directory": str(scratch / "spilled"),
    }
    with duckdb.connect(config=limits) as connection:
        found = connection.read_parquet([str(file) for file in files], hive_partitioning=False)
        for batch in found.order("commit").to_arrow_reader(_BATCH):
            yield from batch.to_pylist()


def _row(key: str, found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "row_key": key,
        "commit": found["commit"],
        "parent": found["parent"],
        "repos": found["repos"],
        "licenses": found["licenses"],
        "subject": subject_of(found["message"]),
        "message": found["message"],
        "path": found["path"],
        "old_blob": found["old_blob"],
        "new_blob": found["new_blob"],
        "unix_time": found["unix_time"],
    }
