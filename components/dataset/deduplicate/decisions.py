"""Which rows go, and for which kept row: decided once for the whole dataset, then looked up shard by shard."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.dataset.deduplicate.content_index import BATCH_BYTES, ContentIndex, Keep
from themis_common.progress import Progress
from themis_common.store import Store
from themis_common.text.engine import Engine, EngineName, Signing, Sketcher, open_engine
from themis_common.text.line_changes import line_changes
from themis_common.text.near_duplicates import ALONE, ShingleSets, band_groups
from themis_common.text.published import PublishedSketcher, published_clusters

Rows = Callable[[list[str]], Iterable[Mapping[str, Any]]]
"""Streams the given columns of all rows of the dataset; called once for each pass."""


@dataclass(frozen=True)
class ComparedText:
    """What of a row is compared with other rows: a text made of some columns."""

    columns: tuple[str, ...]
    of: Callable[[Mapping[str, Any]], str]


def _changed_lines(row: Mapping[str, Any]) -> str:
    changes = line_changes(row["old_contents"], row["new_contents"])
    return "\n".join((*changes.removed, *changes.added))


COMPARED: dict[str, ComparedText] = {
    "new_contents": ComparedText(("new_contents",), lambda row: str(row["new_contents"])),
    "old_contents": ComparedText(("old_contents",), lambda row: str(row["old_contents"])),
    "changed_lines": ComparedText(("old_contents", "new_contents"), _changed_lines),
}

_COLUMNS = pa.schema(
    [
        pa.field("row_key", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("kept_key", pa.string(), nullable=False),
        pa.field("similarity", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a row goes: `exact_duplicate` or `near_duplicate` of the kept row, with their Jaccard similarity.

    The similarity is None where it was not computed.
    """

    reason: str
    kept_key: str
    similarity: float | None


def decide(
    rows: Rows,
    compared: ComparedText,
    signing: Signing,
    threshold: float,
    progress: Progress,
    *,
    keep: Keep = "earliest",
    engine: EngineName = "numba",
    threads: int = 1,
) -> dict[str, Decision]:
    """The rows to remove, by their key: copies, and what resembles a row that stays, verified.

    Args:
        rows: the dataset.
        compared: the text to compare.
        signing: how candidates are found.
        threshold: Jaccard similarity from which a text goes.
        progress: where to say how far the passes are.
        keep: which of rows alike stays.
        engine: what computes; results do not depend on it, nor on `threads`.
        threads: of the compiled engine.

    Raises:
        UserError: the engine is not installed.
    """
    opened = open_engine(engine, signing, threads)
    index = _index(rows, compared, opened, keep, progress)
    return _of_all_rows(index, _near_duplicates(rows, compared, index, opened, threshold))


def decide_as_published(
    rows: Rows, compared: ComparedText, signing: Signing, progress: Progress, *, keep: Keep = "earliest"
) -> dict[str, Decision]:
    """The rows to remove as the published code has it: all of a chain of candidates but one, unverified."""
    index = _index(rows, compared, PublishedSketcher(signing), keep, progress)
    groups = band_groups(index.band_keys())
    order = sorted(range(len(groups)), key=lambda position: index.first_row(index.signed[position]))
    near = {
        index.signed[position]: Decision("near_duplicate", index.first_row(index.signed[kept])[-1], None)
        for position, kept in published_clusters(groups, order).items()
    }
    return _of_all_rows(index, near)


def _index(
    rows: Rows, compared: ComparedText, sketcher: Sketcher, keep: Keep, progress: Progress
) -> ContentIndex:
    index = ContentIndex(sketcher, keep)
    for done, row in enumerate(rows(["row_key", "unix_time", *compared.columns])):
        index.add(row["row_key"], row["unix_time"], compared.of(row))
        progress.update(done, unit="rows signed")
    index.finish()
    return index


def _of_all_rows(index: ContentIndex, near: Mapping[int, Decision]) -> dict[str, Decision]:
    """Decisions on rows, of those on contents."""
    decisions = {}
    for key, number in index.rows:
        if number in near:
            decisions[key] = near[number]
        elif key != index.first_row(number)[-1]:
            decisions[key] = Decision("exact_duplicate", index.first_row(number)[-1], 1.0)
    return decisions


def _near_duplicates(
    rows: Rows, compared: ComparedText, index: ContentIndex, engine: Engine, threshold: float
) -> dict[int, Decision]:
    """The contents to remove, by their number."""
    groups = band_groups(index.band_keys())
    is_candidate = (groups != ALONE).any(axis=1)
    order = sorted(
        np.flatnonzero(is_candidate).tolist(), key=lambda position: index.first_row(index.signed[position])
    )
    if not order:
        return {}
    shingles = ShingleSets(np.where(is_candidate, index.num_shingles(), 0))
    position_of = {index.first_row(index.signed[position])[-1]: position for position in order}
    for texts in _batches(rows, compared, position_of):
        shingles.fill(texts.keys(), engine.shingles(list(texts.values())))
    removed = engine.find_duplicates(groups, order, shingles, threshold)
    return {
        index.signed[position]: Decision(
            "near_duplicate", index.first_row(index.signed[duplicate.kept])[-1], duplicate.similarity
        )
        for position, duplicate in removed.items()
    }


def _batches(
    rows: Rows, compared: ComparedText, position_of: Mapping[str, int]
) -> Iterator[dict[int, bytes]]:
    """The texts of the rows with these keys, by position, some megabytes at a time."""
    batch: dict[int, bytes] = {}
    size = 0
    for row in rows(["row_key", *compared.columns]):
        position = position_of.get(row["row_key"])
        if position is not None:
            batch[position] = compared.of(row).encode("utf-8")
            size += len(batch[position])
            if size >= BATCH_BYTES:
                yield batch
                batch, size = {}, 0
    yield batch


def store_decisions(store: Store, name: str, decisions: Mapping[str, Decision]) -> None:
    """Write decisions to a parquet file."""
    items = sorted(decisions.items())
    table = pa.table(
        {
            "row_key": [key for key, _ in items],
            "reason": [decision.reason for _, decision in items],
            "kept_key": [decision.kept_key for _, decision in items],
            "similarity": [decision.similarity for _, decision in items],
        },
        schema=_COLUMNS,
    )
    with store.open_write(name) as stream:
        pq.write_table(table, stream, compression="zstd")


def load_decisions(store: Store, name: str, row_keys: Sequence[str]) -> dict[str, Decision]:
    """Read the decisions on these rows back, without holding those on others.

    Raises:
        FileNotFoundError: there are none of that name.
    """
    wanted = pa.array(row_keys, pa.string())
    decisions = {}
    with store.open_read(name) as stream:
        for batch in pq.ParquetFile(stream).iter_batches():
            columns = batch.filter(pc.is_in(batch["row_key"], wanted)).to_pydict()
            for key, reason, kept_key, similarity in zip(*columns.values(), strict=True):
                decisions[key] = Decision(reason, kept_key, similarity)
    return decisions


def decisions_name(*parts: str) -> str:
    """A file name for the decisions on one dataset under one configuration."""
    return f"decisions-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:32]}.parquet"
