"""Running a stage: plan its units, map over them, gather the manifest.

On one machine `run_stage` does all three; in a fan-out each is a task of its own and they meet in the store. A
unit's shards are committed first and its marker second, so whatever is interrupted can be run again: units with a
marker are skipped, a dataset with a manifest is a cache hit.
"""

import json
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import themis_common
from themis_common.config import config_hash, result_values
from themis_common.datasets.manifest import (
    DATA,
    MANIFEST,
    RUN_FACTS,
    Counts,
    Manifest,
    Shard,
    Table,
    read_manifest,
)
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import ContentDigest, canonical_json, digest_of
from themis_common.progress import Progress
from themis_common.schemas import LINEAGE, REJECTED
from themis_common.stages.output import UnitOutput
from themis_common.stages.rounds import parts_of, round_location
from themis_common.stages.stage import Context, Stage
from themis_common.store import Store, open_store

C = TypeVar("C")
_UNITS = "_units"
WORKSPACE = "_workspace"
"""The folder in an output that outlives a killed attempt and is no part of the dataset."""


@dataclass(frozen=True, kw_only=True)
class StageReport:
    """What a run of a stage came to; `cached` when the finished dataset was there already."""

    uri: str
    manifest: Manifest
    seconds: float
    cached: bool


def output_location(stage: Stage[C], config: C, digests: Mapping[str, str], root: str) -> str:
    """Where the output of a stage belongs under `root`: a function of stage, version, configuration and inputs."""
    return open_store(root).child(f"{stage.name}/{_fingerprint(stage, config, digests)[:20]}").uri


def run_stage(
    stage: Stage[C],
    config: C,
    inputs: Mapping[str, str],
    output: str,
    *,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> StageReport:
    """Run a stage to its end, or return at once where its finished output is there.

    Args:
        inputs: locations of the input datasets by name.
        output: location of the output dataset.

    Raises:
        UserError: an input is unusable, or `output` holds something else.
    """
    started = clock()
    finished = _finished(stage, config, inputs, output)
    if finished is not None:
        return StageReport(uri=output, manifest=finished, seconds=clock() - started, cached=True)
    for part in parts_of(stage, inputs, output)[:-1]:
        run_stage(part.stage, config, part.inputs, part.output, progress=progress, clock=clock)
    units = plan_units(stage, config, inputs, output)
    map_units(stage, config, inputs, output, units, range(len(units)), progress=progress, clock=clock)
    return gather(stage, config, inputs, output, units)


def plan_units(stage: Stage[C], config: C, inputs: Mapping[str, str], output: str) -> list[str]:
    """The names of the units of work, in their order."""
    with tempfile.TemporaryDirectory(prefix="themis-") as scratch:
        units = stage.plan(_context(stage, config, inputs, output, Path(scratch), None))
    assert len(set(units)) == len(units), f"{stage.name} planned a unit twice"
    return units


def map_units(
    stage: Stage[C],
    config: C,
    inputs: Mapping[str, str],
    output: str,
    units: Sequence[str],
    indices: Sequence[int],
    *,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Work through the units at `indices`, skipping those that are finished.

    Raises:
        UserError: an input is unusable, or `output` holds units of another configuration.
    """
    store = open_store(output)
    progress = progress or Progress(stage.name)
    fingerprint = _fingerprint_of(stage, config, inputs)
    for done, index in enumerate(indices):
        if _finished_unit(store, index, units[index], fingerprint) is not None:
            continue
        started = clock()
        with tempfile.TemporaryDirectory(prefix="themis-") as scratch:
            context = _context(stage, config, inputs, output, Path(scratch), progress)
            unit = UnitOutput(store, index, stage.output, stage.side_tables, stage.reasons)
            with unit:
                stage.work(context, units[index], unit)
        marker = {
            "unit": units[index],
            "fingerprint": fingerprint,
            "tables": unit.marker(),
            "counts": vars(unit.counts),
            "seconds": round(clock() - started, 3),
        }
        store.write_bytes(_marker_name(index), canonical_json(marker).encode())
        progress.update(done + 1, len(indices), "units")


def gather(
    stage: Stage[C], config: C, inputs: Mapping[str, str], output: str, units: Sequence[str]
) -> StageReport:
    """Merge the markers of all units into the manifest, which makes the dataset finished; a finished one is found.

    The report's seconds are the sum over the units, wherever and in however many attempts they were worked through,
    those of the rounds included.

    Raises:
        UserError: a unit has not been worked through.
    """
    finished = _finished(stage, config, inputs, output)
    if finished is not None:
        return StageReport(uri=output, manifest=finished, seconds=seconds_to_make(output), cached=True)
    store = open_store(output)
    opened = stage.open_inputs(inputs)
    digests = stage.input_digests(config, opened)
    fingerprint = _fingerprint(stage, config, digests)
    schemas = {DATA: stage.output, **stage.side_tables, "rejected": REJECTED, "lineage": LINEAGE}
    parts: dict[str, ContentDigest] = {DATA: ContentDigest()}
    shards: dict[str, list[Shard]] = {DATA: []}
    counts = Counts()
    seconds = sum(seconds_to_make(part.output) for part in parts_of(stage, inputs, output)[:-1])
    for index, unit in enumerate(units):
        marker = _finished_unit(store, index, unit, fingerprint)
        if marker is None:
            raise UserError(f"{output}: unit {unit!r} of {stage.name} is not finished; run the stage again")
        counts += Counts(**marker["counts"])
        seconds += marker["seconds"]
        for name, table in marker["tables"].items():
            parts.setdefault(name, ContentDigest()).merge(ContentDigest.from_state(table["digest"]))
            shards.setdefault(name, []).append(Shard(**table["shard"]))
    manifest = Manifest(
        stage=stage.name,
        stage_version=stage.version,
        config=result_values(config),
        config_hash=config_hash(config),
        inputs=digests,
        counts=counts,
        tables={
            name: Table(
                schema=schemas[name].name,
                schema_version=schemas[name].version,
                content_digest=digest.hexdigest(),
                shards=tuple(shards[name]),
            )
            for name, digest in sorted(parts.items())
        },
    )
    assert manifest.rows == counts.rows_out, f"{stage.name}: {manifest.rows} rows, {counts.rows_out} counted"
    _write_run_facts(store, seconds)
    store.write_bytes(MANIFEST, manifest.to_json())
    return StageReport(uri=output, manifest=manifest, seconds=seconds, cached=False)


def _context(
    stage: Stage[C],
    config: C,
    inputs: Mapping[str, str],
    output: str,
    scratch: Path,
    progress: Progress | None,
) -> Context[C]:
    return Context(
        config=config,
        inputs={
            **stage.open_inputs(inputs),
            **{
                name: DatasetReader(round_location(output, name), work.output)
                for name, work in stage.rounds.items()
            },
        },
        workspace=open_store(output).child(WORKSPACE),
        scratch=scratch,
        progress=progress or Progress(stage.name),
    )


def _fingerprint(stage: Stage[C], config: C, digests: Mapping[str, str]) -> str:
    return digest_of([stage.name, stage.version, config_hash(config), dict(digests)])


def _fingerprint_of(stage: Stage[C], config: C, inputs: Mapping[str, str]) -> str:
    return _fingerprint(stage, config, stage.input_digests(config, stage.open_inputs(inputs)))


def _finished(stage: Stage[C], config: C, inputs: Mapping[str, str], output: str) -> Manifest | None:
    manifest = read_manifest(open_store(output))
    if manifest is None:
        return None
    digests = stage.input_digests(config, stage.open_inputs(inputs))
    found = digest_of([manifest.stage, manifest.stage_version, manifest.config_hash, dict(manifest.inputs)])
    if found != _fingerprint(stage, config, digests):
        raise UserError(
            f"{output} holds the output of {manifest.stage} for another configuration or other inputs; "
            "choose another folder, or delete it"
        )
    return manifest


def _marker_name(index: int) -> str:
    return f"{_UNITS}/{index:05d}.json"


def _finished_unit(store: Store, index: int, unit: str, fingerprint: str) -> dict[str, Any] | None:
    """The marker of a unit, or None where its work is still to be done (or was done for another plan)."""
    name = _marker_name(index)
    if not store.exists(name):
        return None
    marker: dict[str, Any] = json.loads(store.read_bytes(name))
    if marker["fingerprint"] != fingerprint:
        raise UserError(
            f"{store.uri} holds unfinished output for another configuration or other inputs; "
            "choose another folder, or delete it"
        )
    return marker if marker["unit"] == unit else None


def _write_run_facts(store: Store, seconds: float) -> None:
    facts = {
        "seconds": round(seconds, 3),
        "host": platform.node(),
        "python": platform.python_version(),
        "themis": themis_common.__version__,
    }
    store.write_bytes(RUN_FACTS, (json.dumps(facts, indent=1) + "\n").encode())


def seconds_to_make(output: str) -> float:
    """What a finished dataset took to make, in whichever run that was."""
    return float(json.loads(open_store(output).read_bytes(RUN_FACTS))["seconds"])
