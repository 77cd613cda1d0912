"""Deleting from a store what no kept run needs.

A store holds outputs in folders `STAGE/FINGERPRINT`; anything else in it is left alone. A kept run needs the outputs
of its finished tasks, the outputs that its configuration names, and whatever went into these: a manifest has the
content digests of its inputs, and an output with such a digest is needed too, and so on down the chain. A kept run
that was interrupted will look for earlier outputs of the tasks that it has not come to yet; which ones cannot be known,
so all outputs of their stages stay.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pipelines.run_folders import Run, local_folder, processes_at_work, read_run, runs_in
from pipelines.tasks import ALL_TASKS
from themis_common.datasets.manifest import Manifest, read_manifest
from themis_common.errors import UserError
from themis_common.stages.task import CONFIG
from themis_common.store import open_store

DAY: Final = 86_400.0

_STAGE: Final = re.compile(r"[a-z_]+\.[a-z_]+")
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{20}")
_DELETED: Final = ".deleted-"
"""Outputs are renamed to this before they are deleted, so that no reader finds half of one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Output:
    """The folder of one output; `manifest` is None while it is unfinished."""

    folder: Path
    manifest: Manifest | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Deletion:
    """A folder to delete, its bytes, and why."""

    folder: Path
    bytes: int
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is to be done in one store.

    Attributes:
        store: its folder.
        kept_runs: the newest runs, the newest first.
        other_runs: the older ones, whose outputs may go.
        kept: outputs that stay.
        deletions: what goes.
    """

    store: Path
    kept_runs: tuple[Run, ...]
    other_runs: tuple[Run, ...]
    kept: tuple[Output, ...]
    deletions: tuple[Deletion, ...]

    @property
    def bytes(self) -> int:
        """Bytes of all that goes."""
        return sum(deletion.bytes for deletion in self.deletions)


def plan(locations: Sequence[str], keep_runs: int, unfinished_days: float, now: float) -> list[Plan]:
    """What to delete from the stores at the given locations.

    Args:
        locations: run folders, folders of runs, or stores. Runs beside those named count as users of their store too.
        keep_runs: how many of the newest runs of each store to keep whole.
        unfinished_days: age in days from which an unfinished output goes.
        now: the time, in seconds of the clock of the file system.

    Raises:
        UserError: a location is none of these, no run of a store is known, or a run is in progress.
    """
    stores: set[Path] = set()
    runs: dict[Path, Run] = {}
    for location in locations:
        named, beside = _look(local_folder(location), location)
        stores |= named
        runs |= {run.folder: run for run in beside}
    by_store = {store: [run for run in runs.values() if run.store == store] for store in sorted(stores)}
    for store, users in by_store.items():
        if not users:
            raise UserError(f"no run folder is known that uses {store}; name the folder of its runs too")
        for run, process in processes_at_work(users):
            raise UserError(f"{run.folder} is in progress (process {process}); wait for its end, or stop it")
    return [_plan_store(store, users, keep_runs, unfinished_days, now) for store, users in by_store.items()]


def carry_out(one: Plan) -> None:
    """Delete; what is interrupted is finished by the next call."""
    for deletion in one.deletions:
        doomed = deletion.folder
        if not doomed.name.startswith(_DELETED):
            doomed = doomed.with_name(f"{_DELETED}{doomed.name}-{os.getpid()}")
            os.rename(deletion.folder, doomed)
        shutil.rmtree(doomed)
        # the last output of its stage
        with suppress(OSError):
            doomed.parent.rmdir()


def _look(folder: Path, location: str) -> tuple[set[Path], list[Run]]:
    """The stores that a location stands for, and the runs around it.

    Raises:
        UserError: it is neither a run folder nor a folder of runs nor a store.
    """
    run = read_run(folder)
    if run is not None:
        return {run.store}, [run, *runs_in(folder.parent)]
    if (folder / CONFIG).is_file():
        raise UserError(
            f"{location}: its store is not a local folder; in a bucket, set lifecycle rules instead"
        )
    if inside := runs_in(folder):
        return {run.store for run in inside}, inside
    if any(_output_folders(folder)):
        return {folder}, [*runs_in(folder.parent), *runs_in(folder.parent.parent)]
    raise UserError(f"{location} is neither a run folder nor a folder of runs nor a store; check the path")


def _plan_store(
    store: Path, users: Sequence[Run], keep_runs: int, unfinished_days: float, now: float
) -> Plan:
    newest = sorted(users, key=lambda run: (run.started, run.folder), reverse=True)
    kept_runs, other_runs = newest[:keep_runs], newest[keep_runs:]
    outputs = [
        Output(folder=folder, manifest=read_manifest(open_store(folder))) for folder in _output_folders(store)
    ]
    needed = _needed(outputs, kept_runs)
    deletions = [
        _deletion(folder, "left behind by an interrupted deletion") for folder in _left_behind(store)
    ]
    kept = []
    for output in outputs:
        if output.folder in needed:
            kept.append(output)
        elif output.manifest is not None:
            deletions.append(_deletion(output.folder, "no kept run needs it"))
        elif (days := (now - _last_change(output.folder)) / DAY) > unfinished_days:
            deletions.append(_deletion(output.folder, f"unfinished, untouched for {days:.1f} days"))
        else:
            kept.append(output)
    return Plan(
        store=store,
        kept_runs=tuple(kept_runs),
        other_runs=tuple(other_runs),
        kept=tuple(kept),
        deletions=tuple(deletions),
    )


def _needed(outputs: Sequence[Output], runs: Sequence[Run]) -> set[Path]:
    """Folders of the outputs that kept runs need."""
    needed, digests = _named_by(runs, outputs)
    reached: set[Path] = set()
    while True:
        found = [
            output
            for output in outputs
            if output.folder not in reached
            and output.manifest is not None
            and (output.folder in needed or output.manifest.content_digest in digests)
        ]
        if not found:
            return needed
        for output in found:
            assert output.manifest is not None
            reached.add(output.folder)
            needed.add(output.folder)
            digests.update(output.manifest.inputs.values())


def _named_by(runs: Sequence[Run], outputs: Sequence[Output]) -> tuple[set[Path], set[str]]:
    """Folders that the runs need without looking at what they were made of, and content digests of their inputs."""
    needed: set[Path] = set()
    digests: set[str] = set()
    for run in runs:
        for uri in run.uris():
            needed.add(Path(uri).resolve())
            # the task may have found its output in another store
            if (manifest := read_manifest(open_store(uri))) is not None:
                digests.update(manifest.inputs.values())
        named = [Path(text).resolve() for text in _texts(run.config) if text.startswith("/")]
        missing = _missing_stages(run)
        for output in outputs:
            if output.folder.parent.name in missing or any(
                path.is_relative_to(output.folder) for path in named
            ):
                needed.add(output.folder)
    return needed, digests


def _missing_stages(run: Run) -> set[str]:
    """The stages of the tasks that have no output in the run so far.

    Raises:
        UserError: the run has a task of another version of Themis, whose stage is not known.
    """
    unknown = [task for task in run.unfinished() if task not in ALL_TASKS]
    if unknown:
        raise UserError(
            f"{run.folder} is unfinished and has a task {unknown[0]!r} that this version does not know; delete the run "
            "folder, or keep fewer runs"
        )
    return {ALL_TASKS[task] for task in run.unfinished()}


def _texts(value: Any) -> Iterator[str]:
    """Every text in a configuration."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _output_folders(store: Path) -> Iterator[Path]:
    for folder in _stage_entries(store):
        if _FINGERPRINT.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
            yield folder


def _left_behind(store: Path) -> Iterator[Path]:
    return (folder for folder in _stage_entries(store) if folder.name.startswith(_DELETED))


def _stage_entries(store: Path) -> Iterator[Path]:
    """What lies in the folders of stages; nothing where the store has yet to be written to."""
    for stage in sorted(store.iterdir()) if store.is_dir() else ():
        if _STAGE.fullmatch(stage.name) and stage.is_dir():
            yield from sorted(stage.iterdir())


def _deletion(folder: Path, why: str) -> Deletion:
    return Deletion(folder=folder, bytes=sum(file.lstat().st_size for file in _files(folder)), why=why)


def _last_change(folder: Path) -> float:
    return max([folder.stat().st_mtime, *(file.lstat().st_mtime for file in _files(folder))])


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in names)
