"""Dealing the commits of all input shards over units, so that those of one repository are in one unit.

Shards hold commits in no order that has to do with repositories, and every repository costs a connection in each
unit that has a commit of it. One pass counts the commits by the repository that is tried first, in slots by the hash
of its name; a second one writes each commit where the count says. A repository with more commits than a unit takes
is spread over several; memory depends on one shard, not on their number.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from components.dataset.retrieve_contents.config import RetrieveContentsConfig
from themis_common.datasets.reader import DatasetReader
from themis_common.stages import Context
from themis_common.store import Store

_COMMITS_PER_UNIT = 50_000
_SLOTS = 1 << 16
_INDEX = "index.json"


def plan(context: Context[RetrieveContentsConfig]) -> list[str]:
    """Deal the commits, unless an earlier attempt did; the names of the units."""
    (commits,) = context.inputs.values()
    dealt = _dealt(context)
    if not dealt.exists(_INDEX):
        files = _deal(commits, dealt)
        dealt.write_bytes(_INDEX, json.dumps(files).encode())
    files = json.loads(dealt.read_bytes(_INDEX))
    return [f"{unit:05d}" for unit in sorted({unit for units in files.values() for unit in units})]


def dealt_rows(context: Context[RetrieveContentsConfig], unit: str) -> Iterator[dict[str, Any]]:
    """The commits of one unit."""
    dealt = _dealt(context)
    files: dict[str, list[int]] = json.loads(dealt.read_bytes(_INDEX))
    for file, units in files.items():
        if int(unit) in units:
            with dealt.open_read(file) as stream:
                yield from pq.ParquetFile(stream).read_row_group(units.index(int(unit))).to_pylist()


def _dealt(context: Context[RetrieveContentsConfig]) -> Store:
    (commits,) = context.inputs.values()
    return context.workspace.child(f"dealt/{commits.digest[:20]}")


def _deal(commits: DatasetReader, dealt: Store) -> dict[str, list[int]]:
    """Write a file for each shard, with a row group for each unit; returns the units of each file in order."""
    counts = np.zeros(_SLOTS, dtype=np.int64)
    for batch in commits.batches(columns=["row_key", "repos"]):
        np.add.at(counts, _slots(batch["repos"]), 1)
    places = np.cumsum(counts) - counts
    files: dict[str, list[int]] = {}
    for number, shard in enumerate(commits.shards):
        rows = pa.Table.from_batches(commits.batches(shard.name), schema=commits.schema.columns)
        units = _take_places(_slots(rows["repos"]), places) // _COMMITS_PER_UNIT
        name = f"{number:05d}.parquet"
        files[name] = [int(unit) for unit in np.unique(units)]
        with (
            dealt.open_write(name) as stream,
            pq.ParquetWriter(stream, rows.schema, compression="zstd") as writer,
        ):
            for unit in files[name]:
                writer.write_table(rows.take(np.flatnonzero(units == unit)), row_group_size=_COMMITS_PER_UNIT)
    return files


def _take_places(slots: Sequence[int], places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The place of each commit among all; `places` moves on to the next free one of each slot."""
    taken = np.empty(len(slots), dtype=np.int64)
    for index, slot in enumerate(slots):
        taken[index] = places[slot]
        places[slot] += 1
    return taken


def _slots(repos: Iterable[pa.ListScalar[Any]]) -> list[int]:
    """The slot of the repository that is tried first, for each commit."""
    return [_slot(min(names.as_py(), default="")) for names in repos]


def _slot(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:2], "big")
