"""Where a unit of work puts its rows, and the accounting that no stage can forget.

Every key that was read must be emitted (once or more) or dropped under one declared reason. The check is made when
the unit closes; a stage that loses a row fails there.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, BinaryIO

from themis_common.datasets.manifest import DATA, Counts
from themis_common.datasets.reader import FILES
from themis_common.datasets.shards import ShardWriter
from themis_common.schemas import LINEAGE, REJECTED, Schema
from themis_common.store import Store

_DETAIL_CHARS = 500


class UnitOutput:
    """The output of one unit: a shard of the main table and of each side table that gets rows.

    Use as a context manager; leaving the block well commits the shards and checks the accounting.
    """

    def __init__(
        self,
        store: Store,
        index: int,
        output: Schema,
        side_tables: Mapping[str, Schema],
        reasons: Sequence[str],
    ) -> None:
        self._store = store
        self._index = index
        self._schemas = {DATA: output, **side_tables, "rejected": REJECTED, "lineage": LINEAGE}
        self._reasons = frozenset(reasons)
        self._writers: dict[str, ShardWriter] = {}
        self._stack = ExitStack()
        self._read: set[str] = set()
        self._consumed: set[str] = set()
        self._emitted: set[str] = set()
        self._dropped: dict[str, str] = {}

    def read(self, keys: Iterable[str]) -> None:
        """Register input keys as read; each must be emitted or dropped before the unit ends."""
        for key in keys:
            assert key not in self._read, f"input key {key} was read twice"
            self._read.add(key)

    def emit(self, row: Mapping[str, Any], sources: Sequence[str] | None = None) -> None:
        """Write a row of the main table.

        Args:
            row: a value for every column; `row_key` must not have been emitted before.
            sources: the input keys that went into the row; by default the row keeps the key of its input.
        """
        key = row["row_key"]
        assert key not in self._emitted, f"row key {key} was emitted twice"
        self._emitted.add(key)
        self._writer(DATA).write(row)
        for source in [key] if sources is None else sources:
            self._consumed.add(source)
            if source != key:
                self._writer("lineage").write({"row_key": key, "source_key": source})

    def consume(self, keys: Iterable[str]) -> None:
        """Register input keys that went into the output as a whole (a model, a statistic), not into single rows."""
        self._consumed.update(keys)

    def drop(self, key: str, reason: str, detail: str = "") -> None:
        """Leave an input key out, under one of the stage's declared reasons; `detail` helps a reader understand."""
        assert reason in self._reasons, f"reason {reason!r} is not declared by the stage"
        assert key not in self._dropped, f"input key {key} was dropped twice"
        self._dropped[key] = reason
        self._writer("rejected").write({"row_key": key, "reason": reason, "detail": detail[:_DETAIL_CHARS]})

    def add(self, table: str, row: Mapping[str, Any]) -> None:
        """Write a row of a declared side table."""
        assert table not in {DATA, "rejected", "lineage"}, f"{table} is written by emit and drop"
        self._writer(table).write(row)

    def open_file(self, name: str) -> AbstractContextManager[BinaryIO]:
        """A stream to a file beside the tables; the caller emits the row that describes it."""
        return self._store.open_write(f"{FILES}/{name}")

    def _writer(self, table: str) -> ShardWriter:
        if table not in self._writers:
            writer = ShardWriter(self._store, f"{table}/{self._index:05d}.parquet", self._schemas[table])
            self._writers[table] = self._stack.enter_context(writer)
        return self._writers[table]

    def __enter__(self) -> "UnitOutput":
        self._stack.__enter__()
        return self

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
            self._check_accounting()

    def _check_accounting(self) -> None:
        dropped = self._dropped.keys()
        both = sorted(self._consumed & dropped)
        assert not both, f"{len(both)} input keys were both emitted and dropped, e.g. {both[0]}"
        lost = sorted(self._read - self._consumed - dropped)
        assert not lost, f"{len(lost)} input keys were neither emitted nor dropped, e.g. {lost[0]}"
        unread = sorted((self._consumed | dropped) - self._read)
        assert not unread, f"{len(unread)} keys were emitted or dropped but never read, e.g. {unread[0]}"

    @property
    def counts(self) -> Counts:
        """The funnel of this unit."""
        return Counts(
            keys_in=len(self._read),
            emitted=len(self._consumed),
            rows_out=len(self._emitted),
            dropped=dict(sorted(Counter(self._dropped.values()).items())),
        )

    def marker(self) -> dict[str, Any]:
        """What the unit's marker keeps of each table, once the block has been left."""
        tables = {}
        for name, writer in sorted(self._writers.items()):
            assert writer.shard is not None, "the unit is still open"
            tables[name] = {"shard": vars(writer.shard), "digest": writer.digest.state()}
        return tables


_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


def path_safe(name: str) -> str:
    """`name` as one part of a path: everything but letters, digits, dot, dash and underscore becomes a dash."""
    return _UNSAFE.sub("-", name)
