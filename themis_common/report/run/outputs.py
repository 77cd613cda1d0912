"""What the finished tasks of a run left: their manifests and times, in the order of the pipeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from themis_common.datasets.manifest import Manifest, read_manifest
from themis_common.errors import UserError
from themis_common.stages.run import seconds_to_make
from themis_common.stages.task import RunFolder
from themis_common.store import open_store


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskOutput:
    """One finished task: its output dataset and the seconds that making it took, in an earlier run when `cached`."""

    task: str
    stage: str
    uri: str
    seconds: float
    cached: bool
    manifest: Manifest

    @property
    def label(self) -> str:
        """The stage, with the task where several tasks run it."""
        short = self.stage.rpartition(".")[2]
        variant = self.task.removeprefix(short).lstrip(".")
        return f"{self.stage} ({variant})" if variant else self.stage


def task_outputs(folder: RunFolder) -> list[TaskOutput]:
    """All finished tasks of a run, in the order of its configuration; the tasks of a loop in name order.

    Raises:
        UserError: a recorded dataset is gone.
    """
    order = list(folder.config()["tasks"])
    records = sorted(
        folder.tasks().values(), key=lambda record: (_position(record["task"], order), record["task"])
    )
    return [_output(record) for record in records]


def of_stage(outputs: Sequence[TaskOutput], stage: str) -> list[TaskOutput]:
    """The tasks that ran that stage."""
    return [output for output in outputs if output.stage == stage]


def _position(task: str, order: list[str]) -> int:
    # A loop over cells records its tasks as `<task>.<cell>`.
    name = task.partition(".")[0]
    return order.index(name) if name in order else len(order)


def _output(record: dict[str, Any]) -> TaskOutput:
    manifest = read_manifest(open_store(record["uri"]))
    if manifest is None:
        raise UserError(f"{record['uri']}, the output of task {record['task']}, is gone; start the run again")
    return TaskOutput(
        task=record["task"],
        stage=record["stage"],
        uri=record["uri"],
        seconds=seconds_to_make(record["uri"]),
        cached=bool(record["cached"]),
        manifest=manifest,
    )
