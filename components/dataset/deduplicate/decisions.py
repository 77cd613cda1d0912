"""Which rows go, and for which kept row: decided once for the whole dataset, then looked up shard by shard."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.dataset.deduplicate.content_index import ContentIndex, Signing
from themis_common.progress import Progress
from themis_common.store import Store
from themis_common.text.line_changes import line_changes
from themis_common.text.near_duplicates import ALONE, band_groups, find_duplicates
from themis_common.text.shingles import Hashes, shingle_hashes

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
        pa.field("similarity", pa.float64(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Decision:
    """Why a row goes: `exact_duplicate` or `near_duplicate` of the kept row, with their Jaccard similarity."""

    reason: str
    kept_key: str
    similarity: float


def decide(
    rows: Rows, compared: ComparedText, signing: Signing, threshold: float, progress: Progress
) -> dict[str, Decision]:
    """The rows to remove, by their key. Of rows alike the earliest stays, among equals that of the lowest key.

    Args:
        rows: the dataset.
        compared: the text to compare.
        signing: how candidates are found.
        threshold: Jaccard similarity from which a text goes.
        progress: where to say how far the passes are.
    """
    index = ContentIndex(signing)
    for done, row in enumerate(rows(["row_key", "unix_time", *compared.columns])):
        index.add(row["row_key"], row["unix_time"], compared.of(row))
        progress.update(done, unit="rows signed")
    near = _near_duplicates(rows, compared, index, signing.shingle_size, threshold)
    decisions = {}
    for key, number in index.rows:
        if number in near:
            decisions[key] = near[number]
        elif key != index.earliest(number)[1]:
            decisions[key] = Decision("exact_duplicate", index.earliest(number)[1], 1.0)
    return decisions


def _near_duplicates(
    rows: Rows, compared: ComparedText, index: ContentIndex, shingle_size: int, threshold: float
) -> dict[int, Decision]:
    """The contents to remove, by their number."""
    groups = band_groups(index.band_keys())
    shared = np.flatnonzero((groups != ALONE).any(axis=1)).tolist()
    position_of = {index.earliest(index.signed[position])[1]: position for position in shared}
    shingles: dict[int, Hashes] = {}
    if position_of:
        for row in rows(["row_key", *compared.columns]):
            position = position_of.get(row["row_key"])
            if position is not None:
                shingles[position] = shingle_hashes(compared.of(row), shingle_size)
    order = sorted(shared, key=lambda position: index.earliest(index.signed[position]))
    removed = find_duplicates(groups, order, shingles.__getitem__, threshold)
    return {
        index.signed[position]: Decision(
            "near_duplicate", index.earliest(index.signed[duplicate.kept])[1], duplicate.similarity
        )
        for position, duplicate in removed.items()
    }


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


def load_decisions(store: Store, name: str) -> dict[str, Decision]:
    """Read decisions back.

    Raises:
        FileNotFoundError: there are none of that name.
    """
    with store.open_read(name) as stream:
        columns = pq.read_table(stream, schema=_COLUMNS).to_pydict()
    return {
        key: Decision(reason, kept_key, similarity)
        for key, reason, kept_key, similarity in zip(*columns.values(), strict=True)
    }


def decisions_name(*parts: str) -> str:
    """A file name for the decisions on one dataset under one configuration."""
    return f"decisions-{hashlib.sha256(' '.join(parts).encode()).hexdigest()[:32]}.parquet"
