"""Plain parquet and JSONL files as rows of a declared table: what people have before they have datasets.

Columns are checked against the schema, text and integers of other widths are cast, and a missing `row_key` is made
from the row's content.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.json as pj

from themis_common.datasets.parquet_file import read_whole_parquet
from themis_common.datasets.shards import check_columns
from themis_common.errors import UserError
from themis_common.hashing import canonical_json, row_key
from themis_common.schemas import Schema

SUFFIXES = (".parquet", ".jsonl")


def plain_files(path: Path) -> list[Path]:
    """The file itself, or the parquet and JSONL files of a folder in name order; empty where there are none."""
    candidates = sorted(path.iterdir()) if path.is_dir() else [path]
    return [file for file in candidates if file.suffix in SUFFIXES and file.is_file()]


def plain_rows(file: Path, schema: Schema) -> Iterator[dict[str, Any]]:
    """The rows of one file, with exactly the schema's columns.

    Raises:
        UserError: the file cannot be read, or a column is missing, of another type or null; names file and row.
    """
    table = _conform(_read(file, schema), schema, file)
    for batch in table.to_batches(max_chunksize=512):
        for row in batch.to_pylist():
            content = [row[name] for name in schema.names if name != "row_key"]
            yield {**row, "row_key": row["row_key"] or row_key(canonical_json(content))}


def _read(file: Path, schema: Schema) -> pa.Table:
    if file.suffix == ".parquet":
        return read_whole_parquet(file)
    try:
        # nulls are looked for afterwards, where the row can be named
        columns = pa.schema([field.with_nullable(True) for field in schema.columns])
        options = pj.ParseOptions(explicit_schema=columns, unexpected_field_behavior="ignore")
        return pj.read_json(file, parse_options=options)
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"cannot read {file}: {error}") from error


def _conform(table: pa.Table, schema: Schema, file: Path) -> pa.Table:
    if "row_key" not in table.column_names:
        table = table.append_column("row_key", pa.nulls(len(table), pa.string()))
    for field in schema.columns:
        index = table.schema.get_field_index(field.name)
        if index >= 0 and _same_family(table.schema.field(index).type, field.type):
            table = table.set_column(index, field.name, table.column(index).cast(field.type))
    check_columns(table.schema, schema, where=str(file))
    for field in schema.columns:
        column = table.column(field.name)
        if not field.nullable and column.null_count and field.name != "row_key":
            row = column.is_null().index(True).as_py() + 1
            raise UserError(f"{file}: row {row}: column {field.name!r} is null; fill it in or remove the row")
    return table.select(schema.names)


def _same_family(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of one type are values of the other: strings of any offset, integers of any width."""
    if pa.types.is_string(wanted) or pa.types.is_large_string(wanted):
        return bool(pa.types.is_string(found) or pa.types.is_large_string(found))
    return bool(pa.types.is_integer(wanted) and pa.types.is_integer(found))
