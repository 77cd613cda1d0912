"""Opening parquet files that somebody else may have written, cut short or replaced."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from themis_common.errors import UserError
from themis_common.store import Store

_BATCH_ROWS = 256


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
        except pa.ArrowInvalid as error:
            raise UserError(f"{where} cannot be read as parquet ({error}); {remedy}") from error
        yield parquet


def numbered_rows(
    parquet: pq.ParquetFile, columns: Sequence[str] | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows with their number in the file, counted from 1; of all columns unless some are named."""
    batches = parquet.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns) if columns else None)
    return enumerate((row for batch in batches for row in batch.to_pylist()), start=1)
