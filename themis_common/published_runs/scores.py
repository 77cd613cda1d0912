"""`scores.parquet` of a published run: two scores for each benchmark row, in the order of the benchmark."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from themis_common.errors import UserError
from themis_common.statistics.accuracy import FloatArray

_METADATA: Final = ("language", "aspect", "subset", "id")
_PARSE_FLAGS: Final = ("parse_failed", "chosen_parse_failed", "rejected_parse_failed")


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreTable:
    """The columns of one run, one entry per pair.

    Attributes:
        chosen, rejected: (pairs,) float64, NaN where there is no score.
        parse_failed: (pairs,) bool, whether either side could not be read from what the model wrote; None where the
            run did not record it.
    """

    ids: Sequence[str]
    aspects: Sequence[str]
    languages: Sequence[str]
    subsets: Sequence[str]
    chosen: FloatArray
    rejected: FloatArray
    parse_failed: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.ids)


def read_score_table(path: Path, name: str = "") -> ScoreTable:
    """Read a published run.

    Args:
        name: what errors call the file, where it is a copy.

    Raises:
        UserError: the file is no parquet, lacks a column, or holds an id twice or a missing id.
    """
    where = name or str(path)
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{where}: no readable parquet file ({error})") from error
    for column in ("chosen_score", "rejected_score", *_METADATA):
        if column not in table.column_names:
            raise UserError(
                f"{where}: column {column} is missing; a published run has chosen_score, rejected_score, language, "
                "aspect, subset and id"
            )
    ids = [str(value) for value in table["id"].to_pylist()]
    if len(set(ids)) != len(ids):
        twice = next(id_ for position, id_ in enumerate(ids) if id_ in ids[:position])
        raise UserError(f"{where}: id {twice} occurs twice; keep one row of it")
    if not ids:
        raise UserError(f"{where}: holds no row")
    failed = None
    chosen, rejected = (_floats(table, side, where) for side in ("chosen_score", "rejected_score"))
    if _PARSE_FLAGS[0] in table.column_names:
        failed = table[_PARSE_FLAGS[0]].to_numpy(zero_copy_only=False).astype(np.bool_)
    return ScoreTable(
        ids=ids,
        aspects=table["aspect"].to_pylist(),
        languages=table["language"].to_pylist(),
        subsets=table["subset"].to_pylist(),
        chosen=chosen,
        rejected=rejected,
        parse_failed=failed,
    )


def _floats(table: pa.Table, column: str, where: str) -> FloatArray:
    try:
        values: FloatArray = table[column].cast(pa.float64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid as error:
        raise UserError(f"{where}: column {column} holds no numbers ({error})") from error
    return values


def write_score_table(scores: ScoreTable, path: Path) -> None:
    """Write a run as it is published: the index last, one row group, pandas' record of the index."""
    missing = np.isnan(scores.chosen) | np.isnan(scores.rejected)
    columns: dict[str, pa.Array] = {
        "chosen_score": pa.array(scores.chosen, from_pandas=True),
        "rejected_score": pa.array(scores.rejected, from_pandas=True),
        "correct": pa.array(scores.chosen > scores.rejected),
        "score_diff": pa.array(np.where(missing, 0.0, scores.chosen - scores.rejected)),
    }
    if scores.parse_failed is not None:
        flags = (scores.parse_failed, np.isnan(scores.chosen), np.isnan(scores.rejected))
        columns |= {name: pa.array(flag) for name, flag in zip(_PARSE_FLAGS, flags, strict=True)}
    texts = (scores.languages, scores.aspects, scores.subsets, scores.ids)
    columns |= {name: pa.array(text, pa.string()) for name, text in zip(_METADATA, texts, strict=True)}
    index = {"index_columns": ["id"], "column_indexes": [], "columns": [], "creator": {"library": "pyarrow"}}
    table = pa.table(columns).replace_schema_metadata({"pandas": json.dumps(index)})
    pq.write_table(table, path, compression="snappy", row_group_size=max(1, len(scores)))
