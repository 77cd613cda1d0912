"""`scores.parquet` of a published run: two scores for each benchmark row, in the order of the benchmark."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from themis_common.errors import UserError
from themis_common.statistics.accuracy import FloatArray

FILE: Final = "scores.parquet"
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
        path: the file, or the folder that holds it as `scores.parquet`.
        name: what errors call the file, where it is a copy.

    Raises:
        UserError: there is no such file, it is no parquet, lacks a column, or a row of it lacks a text, has an infinite
            score, or has an id for the second time.
    """
    where = name or str(path)
    if path.is_dir():
        path = path / FILE
    if not path.is_file():
        raise UserError(f"{where}: no such file; name the {FILE} of a published run, or its folder")
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
    if not len(table):
        raise UserError(f"{where}: holds no row")
    texts = {column: _texts(table, column, where) for column in _METADATA}
    id_, count = Counter(texts["id"]).most_common(1)[0]
    if count > 1:
        raise UserError(f"{where}: id {id_} occurs {count} times; keep one row of it")
    failed = None
    chosen, rejected = (_floats(table, side, where) for side in ("chosen_score", "rejected_score"))
    if _PARSE_FLAGS[0] in table.column_names:
        failed = _flags(table, _PARSE_FLAGS[0], where)
    return ScoreTable(
        ids=texts["id"],
        aspects=texts["aspect"],
        languages=texts["language"],
        subsets=texts["subset"],
        chosen=chosen,
        rejected=rejected,
        parse_failed=failed,
    )


def _texts(table: pa.Table, column: str, where: str) -> list[str]:
    try:
        values: list[Any] = table[column].to_pylist()
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: column {column} is damaged ({error}); copy the file again") from error
    for number, value in enumerate(values, start=1):
        if not isinstance(value, str):
            raise UserError(f"{where}: row {number}: {column} is {value!r}, not a text; put it right")
    return values


def _floats(table: pa.Table, column: str, where: str) -> FloatArray:
    try:
        values: FloatArray = table[column].cast(pa.float64()).to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UserError(f"{where}: column {column} holds no numbers ({error})") from error
    for row in np.flatnonzero(np.isinf(values)):
        raise UserError(
            f"{where}: row {row + 1}: {column} is {values[row]}, with which nothing can be compared; leave it empty "
            "where the model gave no score"
        )
    return values


def _flags(table: pa.Table, column: str, where: str) -> npt.NDArray[np.bool_]:
    if not pa.types.is_boolean(table[column].type) or table[column].null_count:
        raise UserError(f"{where}: column {column} must hold true or false in every row")
    flags: npt.NDArray[np.bool_] = table[column].to_numpy(zero_copy_only=False).astype(np.bool_)
    return flags


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
