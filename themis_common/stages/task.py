"""A stage as one task of a run: configuration in from the run folder, a small JSON artifact out.

A run has a folder. It holds the resolved configuration (`config.json`), a record of each task (`tasks/<task>.json`)
and the user errors that tasks met (`_errors/*.json`). Components pass the folder's location and nothing else; bytes go
through the store. KFP artifacts are the small JSON of `DatasetRef`.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from themis_common.config import load_config
from themis_common.errors import UserError
from themis_common.hashing import digest_of
from themis_common.stages.rounds import Part, parts_of
from themis_common.stages.run import StageReport, gather, map_units, output_location, plan_units, run_stage
from themis_common.stages.shares import OthersUnfinishedError, Share
from themis_common.stages.stage import Stage
from themis_common.store import Store, open_store

C = TypeVar("C")
CONFIG = "config.json"
_ERRORS = "_errors"
_PLAN = "_workspace/plan.json"


@dataclass(frozen=True, kw_only=True)
class DatasetRef:
    """What one task hands to the next: where a dataset is and what it holds."""

    uri: str
    digest: str
    rows: int
    bytes: int

    @classmethod
    def read(cls, path: str) -> "DatasetRef":
        """The reference in the artifact file at `path`."""
        return cls(**json.loads(Path(path).read_bytes()))


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskError:
    """A user error that a task of a run met; `task` is the name under which its output would have been recorded."""

    task: str
    message: str


class RunFolder:
    """The folder of one run, at any location that the store serves."""

    def __init__(self, uri: str) -> None:
        self.store: Store = open_store(uri)
        self.uri = uri
        self._last_left: UserError | None = None

    def config(self) -> dict[str, Any]:
        """The resolved configuration.

        Raises:
            UserError: the folder has none.
        """
        try:
            document: dict[str, Any] = json.loads(self.store.read_bytes(CONFIG))
        except FileNotFoundError as error:
            raise UserError(
                f"{self.uri} is no run folder (no {CONFIG}); start runs with `themis run`"
            ) from error
        return document

    def stage_config(self, stage: Stage[C], task: str) -> C:
        """The configuration of one task.

        Raises:
            UserError: the run has no such task, or a value is wrong.
        """
        sections = self.config()["tasks"]
        if task not in sections:
            raise UserError(
                f"{self.uri}/{CONFIG} has no section {task!r}; start the run again with this version"
            )
        return load_config(stage.config, sections[task], where=f"{self.uri}/{CONFIG}: {task}")

    def record(self, task: str, report: StageReport) -> DatasetRef:
        """Note that a task is finished and where its output is.

        Of several tasks that share an output, one makes it and the others find it. What this run has made stays so in
        its record, whoever comes second: records of earlier runs are gone since `clear`.
        """
        manifest = report.manifest
        ref = DatasetRef(
            uri=report.uri, digest=manifest.content_digest, rows=manifest.rows, bytes=manifest.num_bytes
        )
        name = f"tasks/{task}.json"
        if report.cached and self._recorded_uri(name) == report.uri:
            return ref
        record = {
            "task": task,
            "stage": manifest.stage,
            "cached": report.cached,
            **asdict(ref),
        }
        self.store.write_bytes(name, (json.dumps(record, indent=1) + "\n").encode())
        return ref

    def _recorded_uri(self, name: str) -> str | None:
        try:
            return str(json.loads(self.store.read_bytes(name))["uri"])
        except FileNotFoundError:
            return None

    def uri_of(self, task: str) -> str:
        """Where the output of a finished task is.

        Raises:
            UserError: the task has not finished in this run.
        """
        records = self.tasks()
        if task not in records:
            raise UserError(f"{self.uri}: task {task} has not finished; its output is needed here")
        return str(records[task]["uri"])

    def tasks(self) -> dict[str, dict[str, Any]]:
        """The records of all finished tasks, by task name."""
        names = self.store.list("tasks/")
        records = (json.loads(self.store.read_bytes(name)) for name in names)
        return {record["task"]: record for record in records}

    @contextmanager
    def leaving_errors(self, task: str) -> Iterator[None]:
        """Leave a user error of the block where the runner, the gate and the report find it, and raise it on.

        Of nested blocks the innermost names the task. Tasks that fail at the same time each leave their own. A task
        that waits for others has done its part, and leaves none.
        """
        try:
            yield
        except OthersUnfinishedError:
            raise
        except UserError as error:
            if error is not self._last_left:
                self._last_left = error
                content = asdict(TaskError(task=task, message=str(error)))
                name = f"{_ERRORS}/{digest_of(content)[:20]}.json"
                self.store.write_bytes(name, (json.dumps(content) + "\n").encode())
            raise

    def errors(self) -> list[TaskError]:
        """The user errors that tasks have met, by task name."""
        folder = self.store.child(_ERRORS)
        found = [TaskError(**json.loads(folder.read_bytes(name))) for name in folder.list()]
        return sorted(found, key=lambda error: (error.task, error.message))

    def clear_errors(self) -> None:
        """Forget the user errors of an earlier attempt."""
        folder = self.store.child(_ERRORS)
        for name in folder.list():
            folder.delete(name)

    def clear(self) -> None:
        """Forget the errors and the task records of an earlier attempt; finished datasets stay."""
        self.clear_errors()
        for name in self.store.list("tasks/"):
            self.store.delete(name)


@contextmanager
def reporting_errors(run: str, task: str) -> Iterator[RunFolder]:
    """The run folder; a user error inside the block is left in it and raised on."""
    folder = RunFolder(run)
    with folder.leaving_errors(task):
        yield folder


def run_task(
    stage: Stage[C], *, task: str, run: str, inputs: Mapping[str, str], artifact: str
) -> dict[str, Any]:
    """Run a whole stage as one task.

    Args:
        task: the name of the task in the run; its configuration section.
        run: location of the run folder.
        inputs: artifact files of the upstream tasks, by input name.
        artifact: where to write the artifact file.

    Returns:
        The artifact's metadata for the Kubeflow UI: uri, digest, rows, bytes.
    """
    with reporting_errors(run, task) as folder:
        config = folder.stage_config(stage, task)
        uris = {name: DatasetRef.read(path).uri for name, path in inputs.items()}
        return hand_on(run_in(folder, stage, task, config, uris), artifact)


def run_in(folder: RunFolder, stage: Stage[C], task: str, config: C, uris: Mapping[str, str]) -> DatasetRef:
    """Run a stage on datasets that are known by their locations; record it, or its user error, as `task` of the run."""
    with folder.leaving_errors(task):
        report = run_stage(stage, config, uris, _location(folder, stage, config, uris))
    return folder.record(task, report)


def plan_task(stage: Stage[C], *, task: str, run: str, source: str | None, part: int = 0) -> list[str]:
    """Plan the fan-out of a stage with one input or none: the names `i/n` of its unit groups, none for an empty input.

    Args:
        source: artifact file of the upstream task; None for a stage without inputs.
        part: which of the stage's rounds, or, after these, the stage itself; the part before it is finished first.
    """
    with reporting_errors(run, task) as folder:
        config, parts = _parts(folder, stage, task, source)
        if part:
            _gather(parts[part - 1], config)
        units = _plan(parts[part], config)
        groups = min(len(units), int(folder.config()["map_pods"]))
        return [str(Share(group, groups)) for group in range(groups)]


def map_task(stage: Stage[C], *, task: str, run: str, source: str | None, group: str, part: int = 0) -> None:
    """Work through the units of one group `i/n` of a part: every n-th unit from the i-th on."""
    with reporting_errors(run, task) as folder:
        config, parts = _parts(folder, stage, task, source)
        chosen = parts[part]
        units = _plan(chosen, config)
        indices = Share.parse(group).of(range(len(units)))
        map_units(chosen.stage, config, chosen.inputs, chosen.output, units, indices)


def gather_task(stage: Stage[C], *, task: str, run: str, source: str | None, artifact: str) -> dict[str, Any]:
    """Finish the fan-out of a stage; whatever a map task left undone is a user error that names the unit."""
    with reporting_errors(run, task) as folder:
        config, parts = _parts(folder, stage, task, source)
        return hand_on(folder.record(task, _gather(parts[-1], config)), artifact)


def _parts(folder: RunFolder, stage: Stage[C], task: str, source: str | None) -> tuple[C, list[Part[C]]]:
    sources = [] if source is None else [source]
    assert len(stage.inputs) == len(sources) <= 1, (
        f"{stage.name} has {len(stage.inputs)} inputs, {len(sources)} given; only stages with one or none fan out"
    )
    config = folder.stage_config(stage, task)
    uris = {name: DatasetRef.read(path).uri for name, path in zip(stage.inputs, sources, strict=True)}
    return config, parts_of(stage, uris, _location(folder, stage, config, uris))


def _plan(part: Part[C], config: C) -> list[str]:
    """The units of a part; planned by its first task alone, because a plan may be dear (a query, a walk over history).

    They are kept beside the output, whose location stands for all that they depend on.
    """
    store = open_store(part.output)
    if not store.exists(_PLAN):
        units = plan_units(part.stage, config, part.inputs, part.output)
        store.write_bytes(_PLAN, json.dumps(units).encode())
    kept: list[str] = json.loads(store.read_bytes(_PLAN))
    return kept


def _gather(part: Part[C], config: C) -> StageReport:
    return gather(part.stage, config, part.inputs, part.output, _plan(part, config))


def _location(folder: RunFolder, stage: Stage[C], config: C, uris: Mapping[str, str]) -> str:
    digests = stage.input_digests(config, stage.open_inputs(uris))
    return output_location(stage, config, digests, folder.config()["store"])


def hand_on(ref: DatasetRef, artifact: str) -> dict[str, Any]:
    """Write a reference to the artifact file that the next task reads; returns it as the artifact's metadata."""
    metadata = asdict(ref)
    path = Path(artifact)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(metadata) + "\n")
    return metadata
