"""Reading a finished dataset: its manifest, its shards as streams, its side tables and files."""

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa

from themis_common.datasets.manifest import DATA, Manifest, Shard, finished_manifest
from themis_common.datasets.shards import read_batches, verify_shard
from themis_common.errors import UserError
from themis_common.schemas import REJECTED, Schema
from themis_common.store import Store, open_store

FILES = "files"


class DatasetReader:
    """A finished dataset at `uri` whose main table has the given schema.

    Raises:
        UserError: there is no finished dataset, or it holds another table.
    """

    def __init__(self, uri: str, schema: Schema) -> None:
        self.uri = uri
        self.schema = schema
        self.store: Store = open_store(uri)
        self.manifest: Manifest = finished_manifest(self.store, uri)
        _check_table(self.manifest, DATA, schema, uri)

    @property
    def digest(self) -> str:
        """The content digest."""
        return self.manifest.content_digest

    @property
    def shards(self) -> tuple[Shard, ...]:
        """The shards of the main table."""
        return self.manifest.tables[DATA].shards

    def batches(
        self, shard: str | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream the shard of that name, or all of them in order; each is verified before its first row.

        Raises:
            UserError: a shard is missing, shortened, changed, or has a wrong column.
        """
        for candidate in self.shards:
            if shard is None or candidate.name == shard:
                verify_shard(self.store, candidate)
                yield from read_batches(self.store, candidate, self.schema, columns)

    def rows(
        self, shard: str | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The same as dictionaries, one a row."""
        for batch in self.batches(shard, columns):
            yield from batch.to_pylist()

    def side_rows(self, table: str, schema: Schema) -> Iterator[dict[str, Any]]:
        """The rows of a side table; none where the dataset has no such table."""
        if table not in self.manifest.tables:
            return
        _check_table(self.manifest, table, schema, self.uri)
        for shard in self.manifest.tables[table].shards:
            verify_shard(self.store, shard)
            for batch in read_batches(self.store, shard, schema):
                yield from batch.to_pylist()

    def rejected(self) -> Iterator[dict[str, Any]]:
        """Dropped input keys: row_key, reason, detail."""
        return self.side_rows("rejected", REJECTED)

    def open_file(self, name: str) -> BinaryIO:
        """A file that lies beside the tables (model weights and the like).

        Raises:
            FileNotFoundError: there is no such file.
        """
        return self.store.open_read(f"{FILES}/{name}")


def _check_table(manifest: Manifest, name: str, schema: Schema, uri: str) -> None:
    table = manifest.tables[name]
    if (table.schema, table.schema_version) != (schema.name, schema.version):
        raise UserError(
            f"{uri}: the {name} table is {table.schema} version {table.schema_version}, "
            f"expected {schema.name} version {schema.version}"
        )
