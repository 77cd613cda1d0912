"""Reading one table of a finished dataset, whatever its schema.

Stages declare what they read and use `reader.py`. What only looks at datasets takes all of them, and learns the columns
from the files.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager

import pyarrow as pa
import pyarrow.parquet as pq

from themis_common.datasets.manifest import DATA, Manifest, Shard, Table, finished_manifest
from themis_common.datasets.parquet_file import open_parquet
from themis_common.datasets.shards import ROWS_PER_GROUP, verify_shard
from themis_common.store import Store, open_store


class AnyTable:
    """The table `name` of the dataset at `uri`; without shards where the dataset has no such table.

    Raises:
        UserError: there is no finished dataset.
    """

    def __init__(self, uri: str, name: str = DATA) -> None:
        self.uri = uri
        self.name = name
        self.store: Store = open_store(uri)
        self.manifest: Manifest = finished_manifest(self.store, uri)

    @property
    def entry(self) -> Table | None:
        """What the manifest says of the table; None where there is no such table (nothing was dropped, say)."""
        return self.manifest.tables.get(self.name)

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The files of the table."""
        return self.entry.shards if self.entry else ()

    def columns(self) -> pa.Schema | None:
        """The columns as the first shard has them; None where there is none."""
        if not self.shards:
            return None
        with self._open(self.shards[0]) as parquet:
            return parquet.schema_arrow

    def batches(
        self, columns: Sequence[str] | None = None, *, only: Shard | None = None, verified: bool = True
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows, 512 at a time.

        Args:
            columns: the columns to read.
            only: one of the shards; by default all of them, in order.
            verified: compare the digest of each shard before its first row, which reads the whole file.

        Raises:
            UserError: a shard is missing, shortened or changed.
        """
        for shard in self.shards if only is None else (only,):
            if verified:
                verify_shard(self.store, shard)
            with self._open(shard) as parquet:
                yield from parquet.iter_batches(
                    batch_size=ROWS_PER_GROUP, columns=list(columns) if columns is not None else None
                )

    def _open(self, shard: Shard) -> AbstractContextManager[pq.ParquetFile]:
        return open_parquet(
            self.store, shard.name, remedy="delete the dataset's folder and run its stage again"
        )
