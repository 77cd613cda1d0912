"""Opening parquet files that somebody else may have written, cut short or replaced."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from themis_common.errors import UserError
from themis_common.store import Store

_BATCH_ROWS = 256
# Arrow meets damage as one or the other, Python damaged text in a file that is sound otherwise.
_DAMAGE = (pa.ArrowException, OSError, UnicodeDecodeError)


@contextmanager
def open_parquet(store: Store, name: str, *, remedy: str) -> Iterator[pq.ParquetFile]:
    """The file `name` of a store, open for reading.

    Args:
        remedy: what the user can do about a file that is missing or damaged.

    Raises:
        UserError: the file is missing or no parquet; names it and tells the remedy.
    """
    where = f"{store.uri}/{name}"
    try:
        stream = store.open_read(name)
    except FileNotFoundError as error:
        raise UserError(f"{where} is missing; {remedy}") from error
    with stream:
        try:
            parquet = pq.ParquetFile(stream)
        except (pa.ArrowException, OSError) as error:
            raise UserError(f"{where} cannot be read as parquet ({error}); {remedy}") from error
        yield parquet


def read_whole_parquet(path: Path) -> pa.Table:
    """The table in a local file, every value of it known to be sound.

    Raises:
        UserError: the file cannot be read, or a text in it is no text; names the file, and the column and row.
    """
    try:
        table = pq.read_table(path)
        table.validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"cannot read {path}: {error}") from error
    return table


def numbered_rows(
    parquet: pq.ParquetFile, columns: Sequence[str] | None = None, *, where: str, remedy: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows with their number in the file, counted from 1; of all columns unless some are named.

    Args:
        where: what error messages call the file.
        remedy: what the user can do about a damaged file.

    Raises:
        UserError: a row cannot be read; names file and row, and tells the remedy.
    """
    number = 0
    try:
        for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns) if columns else None):
            for row in _rows(batch):
                number += 1
                yield number, row
    except _DAMAGE as error:
        raise UserError(f"{where}: row {number + 1} cannot be read ({error}); {remedy}") from error


def _rows(batch: pa.RecordBatch) -> Iterable[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except UnicodeDecodeError:
        # one after another, up to the damaged one
        return (row for at in range(batch.num_rows) for row in batch.slice(at, 1).to_pylist())
    return rows
