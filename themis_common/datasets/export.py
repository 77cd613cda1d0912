"""Writing a dataset as a Hugging Face dataset folder: `data/SPLIT-00000-of-0000N.parquet` and a dataset card.

The folder appears whole or not at all: it is written beside its place and renamed. An earlier export in its place is
replaced, anything else is left alone.
"""

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from themis_common.datasets.any_table import AnyTable
from themis_common.datasets.dataset_card import CARD, ExportTotals, SplitTotals, dataset_card
from themis_common.datasets.hugging_face import arrow_schema
from themis_common.datasets.published import Layout, layout_of
from themis_common.errors import UserError
from themis_common.hashing import file_digest

Format = Literal["parquet", "jsonl"]

RECORD: Final = "themis_export.json"
"""Lists the files of an export, by which the next one knows what it may replace."""
ROWS_PER_FILE: Final = 50_000
"""Some 400 MB of code pairs before compression, the size that the Hub's own tools aim at."""
_NO_LICENCE: Final = "unknown"


def export_dataset(
    uri: str, folder: Path, form: Format = "parquet", *, rows_per_file: int = ROWS_PER_FILE
) -> ExportTotals:
    """Write the main table of a dataset in its published form.

    Args:
        uri: the dataset.
        folder: a local folder that is absent, empty, or an earlier export.
        form: parquet holds labels as ids with their names in the schema, jsonl holds the names.
        rows_per_file: rows after which the next file begins.

    Raises:
        UserError: the dataset is unfinished, damaged or empty, a label is unknown, or `folder` holds something else.
    """
    table = AnyTable(uri)
    layout = layout_of(table)
    target = folder.absolute()
    _check_target(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}-unfinished-", dir=target.parent))
    except OSError as error:
        reason = (error.strerror or "not a folder").lower()
        raise UserError(f"cannot write {target}: {reason}; choose another folder") from error
    try:
        totals = _write(table, layout, unfinished, form, rows_per_file)
        (unfinished / CARD).write_text(dataset_card(table.manifest, layout, totals), encoding="utf-8")
        _write_record(unfinished, table, form)
        # mkdtemp makes folders that only their owner reads; what is published has ordinary rights
        unfinished.chmod(0o755)
        _put_in_place(unfinished, target)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return totals


def _write(table: AnyTable, layout: Layout, folder: Path, form: Format, rows_per_file: int) -> ExportTotals:
    (folder / "data").mkdir()
    expected = _rows_by_split(table, layout)
    totals = ExportTotals(
        splits={split: SplitTotals() for split in layout.splits if expected[split]},
        values={name: Counter() for name in layout.counted},
    )
    with ExitStack() as stack:
        writers = {
            split: stack.enter_context(
                _SplitWriter(
                    folder, split, expected[split], layout, form, rows_per_file, totals.splits[split]
                )
            )
            for split in totals.splits
        }
        # counting the splits has verified the shards already
        for batch in table.batches(verified=not layout.split_column):
            try:
                _count(batch, layout, totals)
                for split, rows in _by_split(batch, layout):
                    writers[split].write(rows)
            except UserError as error:
                raise UserError(f"{table.uri}: {error}") from error
    return totals


class _SplitWriter:
    """The files of one split, one after the other."""

    def __init__(
        self,
        folder: Path,
        split: str,
        expected: int,
        layout: Layout,
        form: Format,
        rows_per_file: int,
        totals: SplitTotals,
    ) -> None:
        self._folder = folder
        count = -(-expected // rows_per_file)
        self._names = [f"data/{split}-{index:05d}-of-{count:05d}.{form}" for index in range(count)]
        self._layout = layout
        self._form = form
        self._rows_per_file = rows_per_file
        self._totals = totals
        self._schema = arrow_schema(layout.columns)
        self._stack = ExitStack()
        self._room = 0

    def __enter__(self) -> "_SplitWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def write(self, rows: pa.RecordBatch) -> None:
        """Append rows of the dataset, in their published form."""
        while rows.num_rows:
            if not self._room:
                self._next()
            part = rows.slice(0, self._room)
            self._append(part)
            self._room -= part.num_rows
            self._totals.rows += part.num_rows
            rows = rows.slice(part.num_rows)

    def _append(self, rows: pa.RecordBatch) -> None:
        columns = self._layout.columns
        ids = pa.record_batch([column.values(rows) for column in columns], schema=self._schema)
        self._totals.num_bytes += ids.nbytes
        if self._form == "parquet":
            self._parquet.write_batch(ids)
            return
        names = [column.values(rows, as_names=True) for column in columns]
        for row in pa.record_batch(names, names=[column.name for column in columns]).to_pylist():
            self._file.write((json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n").encode())

    def _next(self) -> None:
        self._close()
        name = self._names[len(self._totals.files)]
        self._totals.files.append(name)
        self._file: BinaryIO = self._stack.enter_context((self._folder / name).open("wb"))
        if self._form == "parquet":
            self._parquet = self._stack.enter_context(
                pq.ParquetWriter(self._file, self._schema, compression="zstd")
            )
        self._room = self._rows_per_file

    def _close(self) -> None:
        self._stack.close()
        if self._totals.files:
            self._totals.file_bytes += (self._folder / self._totals.files[-1]).stat().st_size


def _rows_by_split(table: AnyTable, layout: Layout) -> Counter[str]:
    """How many rows go to each split, read from that one column."""
    if not layout.split_column:
        return Counter({layout.splits[0]: table.manifest.rows})
    counted: Counter[str] = Counter()
    for batch in table.batches([layout.split_column]):
        counted.update(batch.column(0).to_pylist())
    for split in counted.keys() - set(layout.splits):
        raise UserError(f"{table.uri}: a row has the split {split!r}, must have {' or '.join(layout.splits)}")
    return counted


def _by_split(batch: pa.RecordBatch, layout: Layout) -> Iterator[tuple[str, pa.RecordBatch]]:
    if not layout.split_column:
        yield layout.splits[0], batch
        return
    of_row = batch.column(layout.split_column).to_pylist()
    for split in layout.splits:
        if split in of_row:
            yield split, batch.filter(pa.array([name == split for name in of_row], pa.bool_()))


def _count(batch: pa.RecordBatch, layout: Layout, totals: ExportTotals) -> None:
    for column in layout.columns:
        if column.name in layout.counted:
            totals.values[column.name].update(column.values(batch, as_names=True).to_pylist())
    if "license" in batch.schema.names:
        totals.licences.update(name or _NO_LICENCE for name in batch.column("license").to_pylist())
    elif "licenses" in batch.schema.names:
        names = batch.column("licenses").to_pylist()
        totals.licences.update(", ".join(licences) or _NO_LICENCE for licences in names)


def _write_record(folder: Path, table: AnyTable, form: Format) -> None:
    files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    record = {
        "stage": table.manifest.stage,
        "content_digest": table.manifest.content_digest,
        "format": form,
        "files": files,
        "card": file_digest(folder / CARD),
    }
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n")


def _check_target(folder: Path) -> None:
    """Refuse a folder that holds anything but an untouched earlier export.

    Raises:
        UserError: names what it holds.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UserError(f"{folder} is a file; choose a folder to export to")
    found = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir()}
    if RECORD not in found:
        if any(folder.iterdir()):
            raise UserError(
                f"{folder} is not empty and no earlier export; choose another folder, or empty it"
            )
        return
    record = _read_record(folder)
    foreign = sorted(found - {RECORD, *record["files"]})
    if foreign:
        raise UserError(
            f"{folder} holds {foreign[0]}, which no export wrote; choose another folder, or remove it"
        )
    card = folder / CARD
    if card.exists() and file_digest(card) != record["card"]:
        raise UserError(f"{card} was edited since the export; choose another folder, or remove it")


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_bytes())
        return {"files": list(record["files"]), "card": str(record["card"])}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{folder / RECORD} was written by something else than an export; choose another folder"
        ) from error


def _put_in_place(finished: Path, target: Path) -> None:
    """Rename the new folder to its place; an earlier export steps aside and is deleted afterwards."""
    if not target.exists() or not any(target.iterdir()):
        os.replace(finished, target)
        return
    earlier = Path(f"{finished}-earlier")
    os.rename(target, earlier)
    try:
        os.rename(finished, target)
    except OSError:
        os.rename(earlier, target)
        raise
    shutil.rmtree(earlier)
