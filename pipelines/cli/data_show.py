"""`themis data show`: look at a dataset."""

import itertools
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import JsonOption

if TYPE_CHECKING:
    from themis_common.datasets.any_table import AnyTable
    from themis_common.datasets.manifest import Manifest

_CELL_CHARS = 400


def show(
    uri: Annotated[str, typer.Argument(help="Location of a dataset.")],
    rows: Annotated[int, typer.Option(min=0, help="How many rows to print.")] = 3,
    table: Annotated[str, typer.Option(help="The table: data, rejected, lineage or a side table.")] = "data",
    as_json: JsonOption = False,
) -> None:
    """Print what a dataset holds: its funnel, its origin and its first rows."""
    from themis_common.datasets.any_table import AnyTable
    from themis_common.errors import UserError

    opened = AnyTable(uri, table)
    manifest = opened.manifest
    if opened.entry is None:
        raise UserError(f"{uri} has no table {table!r}; its tables are {', '.join(manifest.tables)}")
    sample = _first_rows(opened, rows)
    if as_json:
        print(json.dumps({"manifest": json.loads(manifest.to_json()), "rows": sample}, indent=1))
        return
    _print_manifest(manifest)
    for row in sample:
        print()
        for name, value in row.items():
            text = str(value)
            print(f"{name}: {text if len(text) <= _CELL_CHARS else text[:_CELL_CHARS] + ' ...'}")


def _first_rows(table: "AnyTable", number: int) -> list[dict[str, Any]]:
    rows = (row for batch in table.batches() for row in batch.slice(0, number).to_pylist())
    return list(itertools.islice(rows, number))


def _print_manifest(manifest: "Manifest") -> None:
    counts = manifest.counts
    dropped = ", ".join(f"{number:,} {reason}" for reason, number in counts.dropped.items()) or "none"
    print(f"{manifest.stage} v{manifest.stage_version}  {manifest.rows:,} rows  {manifest.num_bytes:,} bytes")
    print(f"content digest {manifest.content_digest}")
    print(
        f"in {counts.keys_in:,} = emitted {counts.emitted:,} + dropped {sum(counts.dropped.values()):,} ({dropped})"
    )
    for name, digest in manifest.inputs.items():
        print(f"input {name}: {digest}")
