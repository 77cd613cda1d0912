"""Columns as Hugging Face `datasets` describes them: in the parquet schema, and in the YAML of a dataset card.

A reader takes the features of the schema's metadata for a column only where arrow type and nullability agree with what
the feature stands for; those of `datasets` are all nullable. Source: `Features.from_arrow_schema` and
`Features._to_yaml_list` of huggingface/datasets 4.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from themis_common.taxonomy import Criterion, Language

METADATA_KEY = b"huggingface"


@dataclass(frozen=True, kw_only=True)
class Column:
    """A published column.

    Attributes:
        name: its published name.
        source: the column of the dataset that it is made from.
        kind: its arrow type; int64 for labels.
        labels: the enum whose keys the source column holds, for a ClassLabel.
    """

    name: str
    source: str
    kind: pa.DataType
    labels: type[Language] | type[Criterion] | None = None

    @property
    def label_names(self) -> list[str]:
        """The names of the ClassLabel in the order of their ids."""
        assert self.labels is not None, f"{self.name} holds no labels"
        return [member.label for member in sorted(self.labels, key=lambda member: member.id)]

    @property
    def described(self) -> str:
        """The type for people."""
        if self.labels is not None:
            return f"ClassLabel: {', '.join(self.label_names)}"
        if pa.types.is_list(self.kind):
            return f"list of {_dtype(self.kind.value_type)}"
        return _dtype(self.kind)

    def values(self, batch: pa.RecordBatch, *, as_names: bool = False) -> pa.Array:
        """The column for the rows of a batch; labels as their ids, or as their names.

        Raises:
            UserError: a label that the taxonomy does not know.
        """
        found = batch.column(self.source)
        if self.labels is None:
            return found.cast(self.kind)
        members = {name: self.labels.parse(name) for name in set(found.to_pylist())}
        if as_names:
            return pa.array([members[name].label for name in found.to_pylist()], pa.string())
        return pa.array([members[name].id for name in found.to_pylist()], self.kind)


def label_column(name: str, source: str, labels: type[Language] | type[Criterion]) -> Column:
    """A ClassLabel column."""
    return Column(name=name, source=source, kind=pa.int64(), labels=labels)


def arrow_schema(columns: Sequence[Column]) -> pa.Schema:
    """The schema of an exported parquet file, with the features in its metadata.

    A file without a label gets no metadata: readers infer the same features, lists included, from the arrow types.
    """
    fields = [pa.field(column.name, column.kind, nullable=True) for column in columns]
    if not any(column.labels for column in columns):
        return pa.schema(fields)
    info = {"info": {"features": {column.name: _feature(column) for column in columns}}}
    return pa.schema(fields, metadata={METADATA_KEY: json.dumps(info).encode()})


def features_yaml(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The `features` of a dataset card."""
    return [{"name": column.name, **_yaml_type(column)} for column in columns]


def _feature(column: Column) -> dict[str, Any]:
    if column.labels is not None:
        return {"names": column.label_names, "_type": "ClassLabel"}
    return {"dtype": _dtype(column.kind), "_type": "Value"}


def _yaml_type(column: Column) -> dict[str, Any]:
    if column.labels is not None:
        names = {str(number): name for number, name in enumerate(column.label_names)}
        return {"dtype": {"class_label": {"names": names}}}
    if pa.types.is_list(column.kind):
        return {"list": _dtype(column.kind.value_type)}
    return {"dtype": _dtype(column.kind)}


def _dtype(kind: pa.DataType) -> str:
    return {"double": "float64", "float": "float32"}.get(str(kind), str(kind))
