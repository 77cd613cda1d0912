"""Writing and reading one parquet shard, with its schema checked in both directions."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from themis_common.datasets.manifest import Shard
from themis_common.errors import UserError
from themis_common.hashing import ContentDigest, stream_digest
from themis_common.schemas import Schema
from themis_common.store import Store

ROWS_PER_GROUP = 512
"""Rows held in memory by a writer and by a reader: at 100 kB a row, some 50 MB."""


class ShardWriter:
    """Rows in, one parquet file out when the block ends well; `shard` and `digest` tell of it afterwards."""

    def __init__(self, store: Store, name: str, schema: Schema) -> None:
        self.digest = ContentDigest()
        self._store = store
        self._name = name
        self._schema = schema
        self._rows: list[Mapping[str, Any]] = []
        self._hash = hashlib.sha256()
        self._stack = ExitStack()
        self.shard: Shard | None = None

    def __enter__(self) -> "ShardWriter":
        file = self._stack.enter_context(self._store.open_write(self._name))
        self._stream = _HashingStream(file, self._hash)
        self._parquet = pq.ParquetWriter(
            pa.PythonFile(self._stream, mode="w"), self._schema.columns, compression="zstd"
        )
        self._stack.callback(self._parquet.close)
        return self

    def write(self, row: Mapping[str, Any]) -> None:
        """Append one row; its keys must be exactly the schema's columns."""
        assert row.keys() == set(self._schema.names), (
            f"{self._schema.name}: row has {sorted(row)}, wants {sorted(self._schema.names)}"
        )
        self.digest.add(row[name] for name in self._schema.names)
        self._rows.append(row)
        if len(self._rows) >= ROWS_PER_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._parquet.write_table(pa.Table.from_pylist(self._rows, schema=self._schema.columns))
            self._rows = []

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self._flush()
        self.shard = Shard(
            name=self._name, rows=self.digest.rows, bytes=self._stream.written, sha256=self._hash.hexdigest()
        )


class _HashingStream:
    """A write-only stream that hashes what passes through, so that a shard is not read again for its digest.

    pyarrow closes what it is given; the stream below must stay open until the store commits it.
    """

    closed = False

    def __init__(self, stream: BinaryIO, digest: Any) -> None:
        self._stream = stream
        self._digest = digest
        self.written = 0

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self._digest.update(view)
        self.written += view.nbytes
        return self._stream.write(view)

    def tell(self) -> int:
        return self.written

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        self.flush()


def verify_shard(store: Store, shard: Shard) -> None:
    """Check that the file is the one that the manifest describes.

    Raises:
        UserError: the file is missing, shortened or changed; names it.
    """
    remedy = "delete the dataset's folder and run its stage again"
    where = f"{store.uri}/{shard.name}"
    try:
        size = store.size(shard.name)
    except FileNotFoundError as error:
        raise UserError(f"shard {where} is missing; {remedy}") from error
    if size != shard.bytes:
        raise UserError(f"shard {where} has {size} bytes, its manifest says {shard.bytes}; {remedy}")
    with store.open_read(shard.name) as stream:
        found = stream_digest(stream)
    if found != shard.sha256:
        raise UserError(f"shard {where} was changed after it was written (digest mismatch); {remedy}")


def read_batches(
    store: Store, shard: Shard, schema: Schema, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """Stream a shard in batches of at most `ROWS_PER_GROUP` rows, with the declared column types.

    Raises:
        UserError: a column is missing or has another type.
    """
    with store.open_read(shard.name) as stream:
        parquet = pq.ParquetFile(stream)
        check_columns(parquet.schema_arrow, schema, where=f"{store.uri}/{shard.name}")
        yield from parquet.iter_batches(batch_size=ROWS_PER_GROUP, columns=list(columns) if columns else None)


def check_columns(found: pa.Schema, schema: Schema, *, where: str) -> None:
    """Refuse a table whose columns are not the declared ones.

    Raises:
        UserError: names the place, the column, the expected and the found type.
    """
    for column in schema.columns:
        index = found.get_field_index(column.name)
        if index < 0:
            raise UserError(
                f"{where}: column {column.name!r} ({column.type}) of {schema.name} is missing; "
                f"found {', '.join(found.names)}"
            )
        if found.field(index).type != column.type:
            raise UserError(
                f"{where}: column {column.name!r} of {schema.name} is {found.field(index).type}, must be {column.type}"
            )
