"""Mining tables shaped like BigQuery's github_repos, in DuckDB or in BigQuery.

The query runs once, when the stage plans: it gives every commit of the window a reason or a row, dealt over shards by
commit id. A unit of the stage is a shard.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.dataset.mine_commits.config import MineCommitsConfig
from components.dataset.mine_commits.duckdb_tables import SCHEMA, digests, opened
from components.dataset.mine_commits.messages import subject_of
from components.dataset.mine_commits.query import mining_query, query_parameters
from components.dataset.mine_commits.shards import Shards, deal
from themis_common.config import config_hash
from themis_common.errors import UserError
from themis_common.hashing import digest_of, row_key
from themis_common.stages import Context, UnitOutput
from themis_common.store import Store


def fingerprint(config: MineCommitsConfig) -> Mapping[str, str]:
    """Digests of the tables."""
    if config.source == "duckdb":
        return digests(Path(config.tables))
    with _with_bigquery():
        from components.dataset.mine_commits.bigquery_tables import state

        return state(config.bigquery)


def plan(context: Context[MineCommitsConfig]) -> list[str]:
    """Run the query, unless an earlier attempt did; the units are the shards of its result."""
    store = _store(context)
    shards = Shards(store)
    if not shards.finished:
        if context.config.source == "duckdb":
            _query_duckdb(context, shards)
        else:
            with _with_bigquery():
                from components.dataset.mine_commits.bigquery_tables import query_bigquery

                query_bigquery(context, store, shards)
        shards.finish()
    return shards.names()


def work(context: Context[MineCommitsConfig], unit: str, output: UnitOutput) -> None:
    """Turn one shard of the query's result into rows and drops, in the order of the commit ids."""
    rows = Shards(_store(context)).rows(unit, context.scratch, context.config.memory_mb)
    for done, found in enumerate(rows):
        key = row_key(found["commit"])
        output.read([key])
        if found["reason"] is not None:
            output.drop(key, found["reason"], found["commit"])
        else:
            output.emit(_row(key, found))
        context.progress.update(done, unit=f"commits of shard {unit}")


def _query_duckdb(context: Context[MineCommitsConfig], shards: Shards) -> None:
    config = context.config
    context.progress.say(f"querying {config.tables}")
    folder = context.scratch / "mined"
    with opened(Path(config.tables), context.scratch, config.memory_mb) as connection:
        ((num_commits,),) = connection.execute("SELECT COUNT(*) FROM commits").fetchall()
        deal(
            connection,
            mining_query(config, SCHEMA, "duckdb"),
            query_parameters(config),
            folder,
            num_commits,
        )
    shards.keep(folder)


def _store(context: Context[MineCommitsConfig]) -> Store:
    """Where the query's result is kept: a place for each query, configuration and state of the tables."""
    query = mining_query(context.config, SCHEMA, "bigquery")
    key = digest_of([query, config_hash(context.config), fingerprint(context.config)])
    return context.workspace.child(f"query/{key[:20]}")


@contextmanager
def _with_bigquery() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(
            f"cannot mine BigQuery: {error.name} is not installed; pip install google-cloud-bigquery"
        ) from error


def _row(key: str, found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "row_key": key,
        "commit": found["commit"],
        "parent": found["parent"],
        "repos": _lines(found["repos_in_any_order"]),
        "licenses": _lines(found["licenses_in_any_order"]),
        "subject": subject_of(found["message"]),
        "message": found["message"],
        "path": found["path"],
        "old_blob": found["old_blob"],
        "new_blob": found["new_blob"],
        "unix_time": found["unix_time"],
    }


def _lines(text: str) -> list[str]:
    return sorted(set(text.split("\n")))
