"""`themis data show`: look at a dataset."""

import json
from typing import Annotated, Any

import typer

from pipelines.cli.options import JsonOption

_CELL_CHARS = 400


def register(app: typer.Typer) -> None:
    """Add the verb group."""
    group = typer.Typer(no_args_is_help=True, help="Look at datasets.")
    group.callback()(lambda: None)
    group.command("show")(show)
    app.add_typer(group, name="data")


def show(
    uri: Annotated[str, typer.Argument(help="Location of a dataset.")],
    rows: Annotated[int, typer.Option(help="How many rows to print.")] = 3,
    table: Annotated[str, typer.Option(help="The table: data, rejected, lineage or a side table.")] = "data",
    as_json: JsonOption = False,
) -> None:
    """Print what a dataset holds: its funnel, its origin and its first rows."""
    from themis_common.datasets.manifest import Manifest, read_manifest
    from themis_common.datasets.shards import verify_shard
    from themis_common.errors import UserError
    from themis_common.store import open_store

    store = open_store(uri)
    manifest: Manifest | None = read_manifest(store)
    if manifest is None:
        raise UserError(
            f"{uri} is no finished dataset (no manifest.json); run the stage that writes it first"
        )
    if table not in manifest.tables:
        raise UserError(f"{uri} has no table {table!r}; its tables are {', '.join(manifest.tables)}")
    sample: list[dict[str, Any]] = []
    for shard in manifest.tables[table].shards:
        import pyarrow.parquet as pq

        verify_shard(store, shard)
        with store.open_read(shard.name) as stream:
            for batch in pq.ParquetFile(stream).iter_batches(batch_size=max(rows, 1)):
                sample.extend(batch.to_pylist())
                if len(sample) >= rows:
                    break
        if len(sample) >= rows:
            break
    if as_json:
        print(json.dumps({"manifest": json.loads(manifest.to_json()), "rows": sample[:rows]}, indent=1))
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
    for row in sample[:rows]:
        print()
        for name, value in row.items():
            text = str(value)
            print(f"{name}: {text if len(text) <= _CELL_CHARS else text[:_CELL_CHARS] + ' ...'}")
