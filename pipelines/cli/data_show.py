"""`themis data show`: look at a dataset."""

import json
from typing import Annotated, Any

import typer

from pipelines.cli.options import JsonOption

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
    sample: list[dict[str, Any]] = []
    if rows:
        for batch in opened.batches():
            sample += batch.slice(0, rows - len(sample)).to_pylist()
            if len(sample) >= rows:
                break
    if as_json:
        print(json.dumps({"manifest": json.loads(manifest.to_json()), "rows": sample}, indent=1))
        return
    counts = manifest.counts
    dropped = ", ".join(f"{number:,} {reason}" for reason, number in counts.dropped.items()) or "none"
    print(f"{manifest.stage} v{manifest.stage_version}  {manifest.rows:,} rows  {manifest.num_bytes:,} bytes")
    print(f"content digest {manifest.content_digest}")
    print(
        f"in {counts.keys_in:,} = emitted {counts.emitted:,} + dropped {sum(counts.dropped.values()):,} ({dropped})"
    )
    for name, digest in manifest.inputs.items():
        print(f"input {name}: {digest}")
    for row in sample:
        print()
        for name, value in row.items():
            text = str(value)
            print(f"{name}: {text if len(text) <= _CELL_CHARS else text[:_CELL_CHARS] + ' ...'}")
