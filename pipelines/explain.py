"""Following one row through the tasks of a run: where it came from, what became of it, and why it was dropped.

A row keeps its key from stage to stage until a stage makes other rows of it, which its lineage table says. Only the
key columns are read, shard by shard; memory does not grow with the rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from themis_common.datasets.any_table import AnyTable
from themis_common.datasets.manifest import DATA, Shard
from themis_common.errors import UserError
from themis_common.hashing import KEY_CHARS
from themis_common.report.run.outputs import TaskOutput, task_outputs
from themis_common.schemas import COMMITS
from themis_common.stages.task import RunFolder

MIN_PREFIX: Final = 6
_SHOWN_MATCHES: Final = 5

Fate = Literal["kept", "became", "dropped", "used"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """What one task did with one row.

    Attributes:
        task: the task; `stage` is what it runs.
        row_key: the row that the task read.
        fate: kept (a row with the same key is in the output), became (rows with other keys are), dropped, or used (it
            went into the output as a whole, as pairs go into a model).
        reason: why it was dropped.
        detail: what the stage noted beside the reason.
        became: keys of the rows that were made from it, as far as they concern the row in question.
        siblings: how many further rows were made from it.
        dataset: location of the output dataset.
        shard: the file in it that tells: of the output row, or of the dropped key. Empty for `used`.
    """

    task: str
    stage: str
    row_key: str
    fate: Fate
    dataset: str
    shard: str = ""
    reason: str = ""
    detail: str = ""
    became: tuple[str, ...] = ()
    siblings: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Story:
    """What a run did with a row.

    Attributes:
        row_key: the row.
        origins: keys of the rows that it was made from, the first ones first.
        events: in the order of the tasks.
        unfinished: tasks of the run without an output so far.
    """

    row_key: str
    origins: tuple[str, ...]
    events: tuple[Event, ...]
    unfinished: tuple[str, ...]


def explain(run: str, text: str) -> Story:
    """Follow a row through a run.

    Args:
        run: location of the run folder.
        text: a row key or the beginning of one (6 characters or more); or the id of a commit, or its beginning.

    Raises:
        UserError: the run has no such row, or several; or a dataset of the run is gone.
    """
    folder = RunFolder(run)
    outputs = task_outputs(folder)
    key = find_key(outputs, text.strip().lower(), run)
    origins = _origins(outputs, key)
    events = tuple(_events(outputs, key, origins))
    if not events:
        raise _unknown(text, run)
    finished = {output.task.partition(".")[0] for output in outputs}
    return Story(
        row_key=key,
        origins=tuple(origins),
        events=events,
        unfinished=tuple(task for task in folder.config()["tasks"] if task not in finished),
    )


def find_key(outputs: Sequence[TaskOutput], text: str, run: str) -> str:
    """The row key that `text` stands for.

    Raises:
        UserError: no row fits, or several do.
    """
    if len(text) < MIN_PREFIX:
        raise UserError(f"{text!r} is too short for a row key; give at least {MIN_PREFIX} characters")
    if len(text) == KEY_CHARS:
        return text
    found = {key for output in outputs for key in _keys_of(output, text)}
    if not found:
        raise _unknown(text, run)
    if len(found) > 1:
        shown = ", ".join(sorted(found)[:_SHOWN_MATCHES]) + (", ..." if len(found) > _SHOWN_MATCHES else "")
        raise UserError(f"{text!r} fits {len(found)} rows of {run} ({shown}); give more characters")
    return found.pop()


def _keys_of(output: TaskOutput, text: str) -> Iterator[str]:
    """Keys in an output that begin so, and those of commits whose id does."""
    for table, column in ((DATA, "row_key"), ("rejected", "row_key"), ("lineage", "source_key")):
        for _, batch in _batches(output, table, [column]):
            keys = batch.column(column)
            yield from keys.filter(pc.starts_with(keys, text)).to_pylist()
    if output.manifest.tables[DATA].schema == COMMITS.name:
        yield from _keys_of_commit(output, text)


def _keys_of_commit(output: TaskOutput, text: str) -> Iterator[str]:
    """Keys of commits whose id begins so: those that were kept, and those that mining dropped."""
    for _, batch in _batches(output, DATA, ["row_key", "commit"]):
        yield from batch.filter(pc.starts_with(batch.column("commit"), text)).column("row_key").to_pylist()
    for _, batch in _batches(output, "rejected", ["row_key", "detail"]):
        # the detail names the repository and the commit
        dropped = batch.filter(pc.match_substring(batch.column("detail"), f" {text}"))
        yield from dropped.column("row_key").to_pylist()


def _origins(outputs: Sequence[TaskOutput], key: str) -> list[str]:
    """Keys of the rows that the row was made from, over all stages."""
    origins: list[str] = []
    for output in reversed(outputs):
        made = [key, *origins]
        sources = [row["source_key"] for _, row in _rows_with(output, "lineage", "row_key", made)]
        origins = [*sorted({*sources} - {*made}), *origins]
    return origins


def _events(outputs: Sequence[TaskOutput], key: str, origins: Sequence[str]) -> Iterator[Event]:
    followed = {key, *origins}
    ancestors = set(origins)
    # which of the followed rows the datasets hold, by content digest
    held: dict[str, set[str]] = {}
    for output in outputs:
        children: dict[str, list[str]] = {}
        for _, row in _rows_with(output, "lineage", "source_key", followed):
            children.setdefault(row["source_key"], []).append(row["row_key"])
        # of an ancestor's other descendants only the number is told
        told = {
            source: sorted(keys if source not in ancestors else followed.intersection(keys))
            for source, keys in children.items()
        }
        made = {child: source for source, keys in told.items() for child in keys}
        kept: set[str] = set()
        turned: set[str] = set()
        for shard, row in _rows_with(output, DATA, "row_key", followed | made.keys()):
            row_key = row["row_key"]
            held.setdefault(output.manifest.content_digest, set()).add(row_key)
            if row_key not in made:
                kept.add(row_key)
                yield _event(output, row_key, "kept", shard=shard.name)
            elif (source := made[row_key]) not in turned:
                turned.add(source)
                others = len(children[source]) - len(told[source])
                keys = tuple(told[source])
                yield _event(output, source, "became", shard=shard.name, became=keys, siblings=others)
        dropped: set[str] = set()
        for shard, row in _rows_with(output, "rejected", "row_key", followed):
            dropped.add(row["row_key"])
            yield _event(
                output,
                row["row_key"],
                "dropped",
                shard=shard.name,
                reason=row["reason"],
                detail=row["detail"],
            )
        read = set().union(*(held.get(digest, set()) for digest in output.manifest.inputs.values()))
        for used in sorted(read - kept - dropped - children.keys()):
            yield _event(output, used, "used")
        followed |= made.keys()


def _event(output: TaskOutput, key: str, fate: Fate, **told: Any) -> Event:
    return Event(task=output.task, stage=output.stage, row_key=key, fate=fate, dataset=output.uri, **told)


def _rows_with(
    output: TaskOutput, table: str, column: str, keys: Sequence[str] | set[str]
) -> Iterator[tuple[Shard, dict[str, Any]]]:
    """The rows of a table whose `column` holds one of the keys; of the main table only their keys."""
    wanted = pa.array(sorted(keys), pa.string())
    for shard, batch in _batches(output, table, [column] if table == DATA else None):
        for row in batch.filter(pc.is_in(batch.column(column), wanted)).to_pylist():
            yield shard, row


def _batches(
    output: TaskOutput, table: str, columns: Sequence[str] | None
) -> Iterator[tuple[Shard, pa.RecordBatch]]:
    opened = AnyTable(output.uri, table)
    for shard in opened.shards:
        # a digest over the whole file would cost more than the columns that are looked at
        for batch in opened.batches(columns, only=shard, verified=False):
            yield shard, batch


def _unknown(text: str, run: str) -> UserError:
    return UserError(f"{run} has no row {text}: no task read, wrote or dropped one with that key or commit")
