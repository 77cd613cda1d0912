"""The result of the mining query, dealt over shards by the first digits of the commit id.

However many commits there are, the rows and the accounting of one shard stay small. Where the result is kept, a
shard is a few parquet files, listed in `shards.json` once all are written.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from components.dataset.mine_commits.duckdb_tables import limits
from themis_common.store import Store

COMMITS_PER_SHARD = 200_000
_INDEX = "shards.json"
_BATCH = 10_000


def shard_digits(num_commits: int) -> int:
    """How many hexadecimal digits of the commit id name a shard, so that shards stay small."""
    digits = 0
    while num_commits > COMMITS_PER_SHARD * 16**digits:
        digits += 1
    return digits


def deal(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    parameters: Mapping[str, Any],
    folder: Path,
    num_commits: int,
) -> None:
    """Write the rows of a query as parquet, in a subfolder of `folder` for each shard.

    Args:
        num_commits: how many rows there are in all, also those of other queries that are dealt to the same shards.
    """
    digits = shard_digits(num_commits)
    shard = f"commit[1:{digits}]" if digits else "'all'"
    target = str(folder).replace("'", "''")
    # commit and blob ids are all different: looking for repeated ones takes a third of the time of writing
    options = "FORMAT parquet, PARTITION_BY (shard), DICTIONARY_SIZE_LIMIT 1000"
    connection.execute(
        f"COPY (FROM ({query}) SELECT *, {shard} AS shard) TO '{target}' ({options})", dict(parameters)
    )


class Shards:
    """The shards below `store`, which are complete once `finish` has been called."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names: dict[str, list[str]] = {}

    @property
    def finished(self) -> bool:
        """Whether all shards are there."""
        return self._store.exists(_INDEX)

    def keep(self, folder: Path) -> None:
        """Take over the files that `deal` wrote below `folder`, and delete them there."""
        for file in sorted(folder.glob("shard=*/*.parquet")):
            shard = file.parent.name.removeprefix("shard=")
            names = self._names.setdefault(shard, [])
            names.append(f"{shard}/{len(names)}.parquet")
            with file.open("rb") as source, self._store.open_write(names[-1]) as target:
                shutil.copyfileobj(source, target)
        if folder.exists():
            shutil.rmtree(folder)

    def finish(self) -> None:
        """Say that nothing more comes."""
        self._store.write_bytes(_INDEX, json.dumps(self._names, sort_keys=True).encode())

    def names(self) -> list[str]:
        """The names of all shards, sorted."""
        return sorted(self._index())

    def rows(self, shard: str, scratch: Path, memory_mb: int) -> Iterator[dict[str, Any]]:
        """The rows of one shard, one for each commit, in the order of their ids."""
        files: list[str] = []
        for name in self._index()[shard]:
            files.append(str(scratch / str(len(files))))
            with self._store.open_read(name) as source, Path(files[-1]).open("wb") as target:
                shutil.copyfileobj(source, target)
        last = None
        with duckdb.connect(config=limits(scratch, memory_mb)) as connection:
            found = connection.read_parquet(files, hive_partitioning=False)
            for batch in found.order("commit, reason NULLS FIRST").to_arrow_reader(_BATCH):
                for row in batch.to_pylist():
                    # tables may hold a commit more than once; a row that is kept comes first
                    if row["commit"] != last:
                        yield row
                    last = row["commit"]

    def _index(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = json.loads(self._store.read_bytes(_INDEX))
        return names
