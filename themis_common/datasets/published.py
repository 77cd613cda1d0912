"""The columns and splits under which each kind of table is published.

Preference pairs take the form of Themis-CodePreference and Themis-GeneralPreference (facts/dataset.md section 12.1),
benchmarks that of Themis-CodeRewardBench (section 13). Any other table keeps its own columns.
"""

from dataclasses import dataclass

import pyarrow as pa

from themis_common.datasets.any_table import AnyTable
from themis_common.datasets.hugging_face import Column, label_column
from themis_common.errors import UserError
from themis_common.schemas import BENCHMARK, MODEL_FILES, PAIRS, TEXT
from themis_common.taxonomy import Criterion, Language


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The form of an export.

    Attributes:
        config: name of its one configuration.
        columns: what is written.
        split_column: the column of the dataset that names each row's split; empty where all rows are in one.
        splits: the splits in their order.
        counted: published columns whose values the card counts.
    """

    config: str
    columns: tuple[Column, ...]
    splits: tuple[str, ...]
    split_column: str = ""
    counted: tuple[str, ...] = ()


def _same(name: str, kind: pa.DataType) -> Column:
    return Column(name=name, source=name, kind=kind)


PUBLISHED_PAIRS = Layout(
    config="default",
    columns=(
        *(_same(name, TEXT) for name in ("system", "input", "chosen", "rejected")),
        label_column("language", "language", Language),
        label_column("aspect", "criterion", Criterion),
        _same("source", pa.string()),
        Column(name="idx", source="row_key", kind=pa.string()),
    ),
    splits=("train", "held_out"),
    split_column="split",
    counted=("language", "aspect", "source"),
)

PUBLISHED_BENCHMARK = Layout(
    config="Full",
    columns=tuple(_same(field.name, field.type) for field in BENCHMARK.columns if field.name != "row_key"),
    splits=("Full",),
    counted=("language", "aspect", "subset"),
)

_LAYOUTS = {PAIRS.name: PUBLISHED_PAIRS, BENCHMARK.name: PUBLISHED_BENCHMARK}


def layout_of(table: AnyTable) -> Layout:
    """The published form of the main table of a dataset.

    Raises:
        UserError: the dataset has no rows, or is a model.
    """
    columns = table.columns()
    if table.entry is None or columns is None:
        raise UserError(
            f"{table.uri} has no rows to export; `themis data show {table.uri}` says what dropped them"
        )
    if table.entry.schema == MODEL_FILES.name:
        raise UserError(
            f"{table.uri} is a model, whose files lie in {table.uri}/files as they are; copy that folder"
        )
    own = Layout(
        config="default",
        columns=tuple(_same(field.name, field.type) for field in columns),
        splits=("train",),
    )
    return _LAYOUTS.get(table.entry.schema, own)
