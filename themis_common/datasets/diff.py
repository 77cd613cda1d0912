"""Comparing one table of two datasets by row key, however each is sharded.

The rows of the first are held as a digest of 8 bytes for each cell, the rows of the second stream past them. Memory:
about 230 bytes and 8 more for each column, for every row of the first dataset; nothing for the second.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from themis_common.datasets.any_table import AnyTable
from themis_common.datasets.manifest import DATA
from themis_common.errors import UserError

KEY = "row_key"
_CELL_BYTES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangedRow:
    """A row that both datasets have: for each column with different values the value in A and in B."""

    row_key: str
    values: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """How dataset B differs from dataset A.

    Attributes:
        rows: rows of A and of B.
        schema: differences of name, version and columns, each as one line.
        only_in_a: number of rows whose key B lacks; `only_in_b` the other way round.
        changed: number of keys with different values in columns that both have.
        columns: for each such column the number of changed keys.
        keys_only_in_a: the first of these keys, in the order of their dataset; `keys_only_in_b` likewise.
        samples: the first changed rows with their values.
    """

    rows: tuple[int, int]
    schema: tuple[str, ...] = ()
    only_in_a: int = 0
    only_in_b: int = 0
    changed: int = 0
    columns: Mapping[str, int] = field(default_factory=dict)
    keys_only_in_a: tuple[str, ...] = ()
    keys_only_in_b: tuple[str, ...] = ()
    samples: tuple[ChangedRow, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both hold the same rows under the same schema."""
        return not (self.schema or self.only_in_a or self.only_in_b or self.changed)


def compare(uri_a: str, uri_b: str, table: str = DATA, samples: int = 3) -> Difference:
    """Compare a table of two datasets.

    Args:
        table: its name; a dataset without that table has no rows in it.
        samples: how many keys to name of each kind of difference.

    Raises:
        UserError: a dataset is unfinished or damaged, neither has the table, or the table has a key twice.
    """
    a, b = AnyTable(uri_a, table), AnyTable(uri_b, table)
    if a.entry is None and b.entry is None:
        raise UserError(
            f"neither dataset has a table {table!r}; {uri_a} has {', '.join(a.manifest.tables)}, "
            f"{uri_b} has {', '.join(b.manifest.tables)}"
        )
    rows = (_rows(a), _rows(b))
    schema = schema_differences(a, b)
    if not schema and a.entry and b.entry and a.entry.content_digest == b.entry.content_digest:
        return Difference(rows=rows)
    meeting = _Meeting(_shared_columns(a, b), samples)
    meeting.take(a)
    meeting.meet(b)
    missing = [key for key, digests in meeting.waiting.items() if digests is not None]
    return Difference(
        rows=rows,
        schema=schema,
        only_in_a=len(missing),
        only_in_b=meeting.only_in_b,
        changed=meeting.changed,
        columns=dict(meeting.changed_in.most_common()),
        keys_only_in_a=tuple(missing[:samples]),
        keys_only_in_b=tuple(meeting.keys_only_in_b),
        samples=_samples(a, b, meeting.changed_keys, meeting.columns),
    )


class _Meeting:
    """The rows of A wait here for those of B."""

    def __init__(self, columns: Sequence[str], samples: int) -> None:
        self.columns = columns
        self._samples = samples
        # the digests of a row's cells; None once a row of B has come for the key, so that a second one is noticed
        self.waiting: dict[str, bytes | None] = {}
        self.only_in_b = 0
        self.changed = 0
        self.changed_in: Counter[str] = Counter()
        self.keys_only_in_b: list[str] = []
        self.changed_keys: list[str] = []

    def take(self, a: AnyTable) -> None:
        """Hold every row of A."""
        for key, digests in _digests(a, self.columns):
            if key in self.waiting:
                raise _repeated(a, key)
            self.waiting[key] = digests

    def meet(self, b: AnyTable) -> None:
        """Compare every row of B with the one that waits for it."""
        for key, after in _digests(b, self.columns):
            if key not in self.waiting:
                self.only_in_b += 1
                self._sample(self.keys_only_in_b, key)
                continue
            before = self.waiting[key]
            if before is None:
                raise _repeated(b, key)
            self.waiting[key] = None
            if before != after:
                self.changed += 1
                self._sample(self.changed_keys, key)
                self.changed_in.update(_changed_columns(before, after, self.columns))

    def _sample(self, keys: list[str], key: str) -> None:
        if len(keys) < self._samples:
            keys.append(key)


def schema_differences(a: AnyTable, b: AnyTable) -> tuple[str, ...]:
    """What differs in name, version, columns and types, one line each; none where a side has no such table."""
    if a.entry is None or b.entry is None:
        return ()
    lines = []
    names = [f"{entry.schema} version {entry.schema_version}" for entry in (a.entry, b.entry)]
    if names[0] != names[1]:
        lines.append(f"A is {names[0]}, B is {names[1]}")
    columns_a, columns_b = a.columns(), b.columns()
    if columns_a is None or columns_b is None:
        return tuple(lines)
    lines += [f"column {name!r} is only in A" for name in columns_a.names if name not in columns_b.names]
    lines += [f"column {name!r} is only in B" for name in columns_b.names if name not in columns_a.names]
    for name in columns_a.names:
        if name in columns_b.names and columns_a.field(name).type != columns_b.field(name).type:
            kinds = columns_a.field(name).type, columns_b.field(name).type
            lines.append(f"column {name!r} is {kinds[0]} in A and {kinds[1]} in B")
    return tuple(lines)


def _rows(table: AnyTable) -> int:
    return table.entry.rows if table.entry else 0


def _shared_columns(a: AnyTable, b: AnyTable) -> list[str]:
    """The columns whose values can be compared: those of both, or none where a side has no rows."""
    columns_a, columns_b = a.columns(), b.columns()
    if columns_a is None or columns_b is None:
        return []
    return [name for name in columns_a.names if name in columns_b.names and name != KEY]


def _cells(table: AnyTable, columns: Sequence[str]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for batch in table.batches([KEY, *columns]):
        values = [batch.column(name).to_pylist() for name in (KEY, *columns)]
        for key, *cells in zip(*values, strict=True):
            yield key, tuple(cells)


def _digests(table: AnyTable, columns: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Each row's key and the digests of its cells, one after the other."""
    for key, cells in _cells(table, columns):
        yield key, b"".join(map(_digest, cells))


def _digest(cell: Any) -> bytes:
    # repr tells all plain values apart, NaN and -0.0 included
    return hashlib.blake2b(repr(cell).encode(), digest_size=_CELL_BYTES).digest()


def _changed_columns(before: bytes, after: bytes, columns: Sequence[str]) -> Iterator[str]:
    for index, name in enumerate(columns):
        cell = slice(index * _CELL_BYTES, (index + 1) * _CELL_BYTES)
        if before[cell] != after[cell]:
            yield name


def _samples(a: AnyTable, b: AnyTable, keys: Sequence[str], columns: Sequence[str]) -> tuple[ChangedRow, ...]:
    found_a, found_b = _pick(a, keys, columns), _pick(b, keys, columns)
    return tuple(
        ChangedRow(
            row_key=key,
            values={
                name: (left, right)
                for name, left, right in zip(columns, found_a[key], found_b[key], strict=True)
                if repr(left) != repr(right)
            },
        )
        for key in keys
    )


def _pick(table: AnyTable, keys: Sequence[str], columns: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """The cells of a few rows."""
    wanted = set(keys)
    found: dict[str, tuple[Any, ...]] = {}
    if wanted:
        for key, cells in _cells(table, columns):
            if key in wanted:
                found[key] = cells
                if len(found) == len(wanted):
                    break
    return found


def _repeated(table: AnyTable, key: str) -> UserError:
    return UserError(
        f"{table.uri}: row key {key} stands twice in the table {table.name}; only tables with one row for each key "
        "can be compared"
    )
