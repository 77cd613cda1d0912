"""`themis data export`: a dataset as a Hugging Face dataset folder."""

import dataclasses
import enum
import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import JsonOption


class ExportFormat(enum.StrEnum):
    """The file formats of an export."""

    parquet = "parquet"
    jsonl = "jsonl"


def export(
    uri: Annotated[str, typer.Argument(help="Location of a dataset.")],
    output: Annotated[Path, typer.Option(help="Folder to write: absent, empty, or an earlier export.")],
    form: Annotated[
        ExportFormat,
        typer.Option(
            "--format", help="parquet holds labels as ids with names in the schema, jsonl the names."
        ),
    ] = ExportFormat.parquet,
    as_json: JsonOption = False,
) -> None:
    """Write a dataset as a Hugging Face dataset folder with a dataset card.

    Preference pairs get the columns of Themis-CodePreference (idx is the row key), benchmarks those of
    Themis-CodeRewardBench; any other dataset keeps its own.
    """
    from themis_common.datasets.export import export_dataset
    from themis_common.errors import UserError
    from themis_common.plural import counted

    if ":/" in str(output):
        raise UserError(f"cannot export to {output}: an export is a local folder; copy it on from there")
    totals = export_dataset(uri, output, form.value)
    if as_json:
        splits = {name: dataclasses.asdict(split) for name, split in totals.splits.items()}
        print(
            json.dumps({"folder": str(output), "splits": splits, "licences": dict(totals.licences)}, indent=1)
        )
        return
    for name, split in totals.splits.items():
        rows, files = counted(split.rows, "row"), counted(len(split.files), "file")
        print(f"{name}: {rows} in {files}, {split.file_bytes:,} bytes")
    print(output / "README.md")
