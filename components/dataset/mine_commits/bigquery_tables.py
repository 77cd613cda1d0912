"""Mining in BigQuery: the same query as in DuckDB, with its price told first and a cap that it may not exceed.

The result goes to a table of its own, from there as parquet files into the store where that is in Google Cloud
Storage, else page by page over HTTP, and then to shards. An attempt that dies finds the paid job again by its id.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from components.dataset.mine_commits.bigquery_options import BigQueryOptions
from components.dataset.mine_commits.config import MineCommitsConfig
from components.dataset.mine_commits.duckdb_tables import limits
from components.dataset.mine_commits.query import mining_query, query_parameters
from components.dataset.mine_commits.shards import Shards, deal
from themis_common.errors import UserError
from themis_common.hashing import digest_of
from themis_common.progress import Progress
from themis_common.sql.warehouse import EMULATOR, Question, Warehouse, open_warehouse
from themis_common.stages import Context
from themis_common.store import Store

_TABLES = ("commits", "languages", "licenses")
_EXPORT = "export"
_PAGE_ROWS = 10_000
_ROWS_PER_FILE = 1_000_000
_MIB, _TIB = 1 << 20, 1 << 40


def state(options: BigQueryOptions) -> Mapping[str, str]:
    """A digest of the size and the last change of each table."""
    found = _warehouse(options).state_of([f"{options.dataset}.{name}" for name in _TABLES])
    return {f"table {name.rpartition('.')[2]}": digest for name, digest in found.items()}


def query_bigquery(context: Context[MineCommitsConfig], store: Store, shards: Shards) -> None:
    """Run the query, and deal its result over `shards`.

    Args:
        store: where files that BigQuery exports go, if it can write there.

    Raises:
        UserError: the query would bill more than it may, or BigQuery refuses it.
    """
    config, options = context.config, context.config.bigquery
    warehouse = _warehouse(options)
    text = mining_query(config, options.dataset, "bigquery")
    parameters = query_parameters(config)
    version = digest_of(dict(state(options)))
    question = Question(
        text=text,
        parameters=parameters,
        table=f"{options.destination}.themis_mined_{digest_of([text, parameters, version])[:20]}",
        version=version,
    )
    job = warehouse.answer(
        question,
        maximum_bytes_billed=options.maximum_bytes_billed,
        allow=lambda: _allow(warehouse, question, options, context.progress),
    )
    num_rows = warehouse.keep_for(question.table, options.expire_hours)
    billed = int(job.total_bytes_billed or 0)
    context.progress.say(
        f"job {job.job_id} billed {_cost(billed, options)} and left {num_rows:,} commits in {question.table}"
    )
    facts = {"job": job.job_id, "bytes_billed": billed, "table": question.table, "rows": num_rows}
    store.write_bytes("job.json", json.dumps(facts).encode())
    for file in _files(context, warehouse, question, store):
        folder = context.scratch / "dealt"
        with duckdb.connect(config=limits(context.scratch, config.memory_mb)) as connection:
            connection.read_parquet(str(file)).create_view("found")
            deal(connection, "SELECT * FROM found", {}, folder, num_rows)
        file.unlink()
        shards.keep(folder)


def _warehouse(options: BigQueryOptions) -> Warehouse:
    return open_warehouse(options.payer, options.location, os.environ.get(EMULATOR))


def _allow(warehouse: Warehouse, question: Question, options: BigQueryOptions, progress: Progress) -> None:
    """Tell what the query costs, and refuse it where that is too much."""
    scanned = warehouse.bytes_of(question)
    cap = options.maximum_bytes_billed
    progress.say(
        f"the query scans {_cost(scanned, options)}; bigquery.maximum_bytes_billed allows {_cost(cap, options)}"
    )
    if scanned > cap:
        raise UserError(
            f"the query scans {scanned:,} bytes, and bigquery.maximum_bytes_billed is {cap:,}; raise it if "
            f"{_dollars(scanned, options)} are not too much (the query was not started)"
        )


def _cost(num_bytes: int, options: BigQueryOptions) -> str:
    size = f"{num_bytes / _TIB:.3f} TiB" if num_bytes >= _TIB / 100 else f"{num_bytes / _MIB:,.3f} MiB"
    return f"{size} ({_dollars(num_bytes, options)})"


def _dollars(num_bytes: int, options: BigQueryOptions) -> str:
    return f"{num_bytes / _TIB * options.dollars_per_tib:,.2f} dollars"


def _files(
    context: Context[MineCommitsConfig], warehouse: Warehouse, question: Question, store: Store
) -> Iterator[Path]:
    """The result as parquet files, one at a time on the scratch disk."""
    file = context.scratch / "result.parquet"
    if urlsplit(store.uri).scheme == "gs":
        exported = store.child(_EXPORT)
        warehouse.export(
            question.table,
            exported.uri,
            question.key,
            is_there=lambda: next(exported.list(), None) is not None,
        )
        for name in exported.list():
            with exported.open_read(name) as source, file.open("wb") as target:
                shutil.copyfileobj(source, target)
            yield file
        return
    pending: list[pa.RecordBatch] = []
    for batch in warehouse.batches(question.table, _PAGE_ROWS):
        pending.append(batch)
        if sum(map(len, pending)) >= _ROWS_PER_FILE:
            pq.write_table(pa.Table.from_batches(pending), file)
            pending.clear()
            yield file
    if sum(map(len, pending)):
        pq.write_table(pa.Table.from_batches(pending), file)
        yield file
