"""List the repositories that enough people star, work on and report to, in one allowlist for each language.

The published lists follow the same thresholds, but no code computed them and no counts came with them
(facts/dataset.md sections 4 and 14.1). All counts are found when the stage plans; a unit is one list.
"""

import json
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from components.dataset.build_allowlists.candidates import candidate_names
from components.dataset.build_allowlists.candidates import digests as candidate_digests
from components.dataset.build_allowlists.config import BuildAllowlistsConfig
from components.dataset.build_allowlists.list_names import list_name
from components.dataset.build_allowlists.reputation import (
    REASONS,
    TOO_MANY_TO_LIST,
    Reputation,
    as_table,
    why_not_listed,
)
from themis_common.config import config_hash
from themis_common.errors import UserError
from themis_common.hashing import digest_of, row_key
from themis_common.schemas import COMMITS, LISTED_REPOSITORIES, REPOSITORY_AUDIT
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.store import Store, open_store

_COUNTS = "counts.parquet"
_BATCH = 10_000


def _fingerprint(config: BuildAllowlistsConfig) -> Mapping[str, str]:
    if config.source == "github":
        return candidate_digests(config)
    from components.dataset.build_allowlists.tables import digests

    return digests(config)


def _plan(context: Context[BuildAllowlistsConfig]) -> list[str]:
    """Find all counts, unless an earlier attempt did; the units are the names of the lists."""
    kept = _kept_counts(context)
    if not kept.exists(_COUNTS):
        # sorted, so that the shards of a run are those of any other
        found = _with_lists(_found(context).sort_by("repo"))
        with kept.open_write(_COUNTS) as stream:
            pq.write_table(found, stream, compression="zstd")
    with kept.open_read(_COUNTS) as stream:
        return sorted(pq.read_table(stream, columns=["list"])["list"].unique().to_pylist())


def _found(context: Context[BuildAllowlistsConfig]) -> pa.Table:
    """The counts of all repositories."""
    config = context.config
    if config.source == "table":
        from components.dataset.build_allowlists.tables import read_counts

        if context.inputs:
            raise UserError("a table names its repositories itself: leave out --input, or set source=github")
        return read_counts(config, context.scratch)
    from components.dataset.build_allowlists.github import ask_github

    names = candidate_names(config, context.inputs.get("commits"))
    answers = open_store(config.answers) if config.answers else context.workspace.child("answers")
    return as_table(ask_github(config, names, answers, context.progress))


def _with_lists(found: pa.Table) -> pa.Table:
    """The counts with the name of the list that each repository would stand in."""
    languages = found["language"].unique()
    lists = pa.array([list_name(language) for language in languages.to_pylist()], pa.string())
    return found.append_column("list", lists.take(pc.index_in(found["language"], languages)))


def _kept_counts(context: Context[BuildAllowlistsConfig]) -> Store:
    """Where the counts are kept: a place for each configuration and state of what they come from."""
    inputs = {name: reader.digest for name, reader in context.inputs.items()}
    key = digest_of([config_hash(context.config), dict(_fingerprint(context.config)), inputs])
    return context.workspace.child(f"counts/{key[:20]}")


def _work(context: Context[BuildAllowlistsConfig], unit: str, output: UnitOutput) -> None:
    """Judge the repositories of one list, and write it."""
    names = []
    for found in _of_list(_kept_counts(context), unit):
        key = row_key("repository", found.repo)
        output.read([key])
        reason = why_not_listed(found, context.config)
        counts = {
            "row_key": key,
            "repo": found.repo,
            "language": found.language,
            "stars": found.stars,
            "issues": found.issues,
            # more than can be counted is no count
            "contributors": None if found.contributors == TOO_MANY_TO_LIST else found.contributors,
        }
        output.add("audit", {**counts, "reason": reason})
        if reason is not None:
            output.drop(key, reason, found.repo)
        else:
            names.append(found.repo)
            output.emit({**counts, "list": unit})
    if names:
        with output.open_file(f"{unit}.json") as stream:
            stream.write(json.dumps(names).encode())


def _of_list(store: Store, name: str) -> Iterator[Reputation]:
    with store.open_read(_COUNTS) as stream:
        table = pq.read_table(stream, filters=[("list", "==", name)])
    for batch in table.drop_columns("list").to_batches(_BATCH):
        yield from (Reputation(**row) for row in batch.to_pylist())


STAGE = Stage(
    name="dataset.build_allowlists",
    version=1,
    config=BuildAllowlistsConfig,
    inputs={"commits": COMMITS},
    optional=frozenset({"commits"}),
    output=LISTED_REPOSITORIES,
    side_tables={"audit": REPOSITORY_AUDIT},
    reasons=REASONS,
    plan=_plan,
    work=_work,
    fingerprint=_fingerprint,
)
