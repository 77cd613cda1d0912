"""What the supervisor and the orchestrator process tell each other.

The supervisor leaves a `RunRequest` as a JSON file; the orchestrator answers with one `TaskEvent` per line on a pipe.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

TaskState = Literal["started", "progress", "succeeded", "failed"]

# The task name of the event about the whole run. No kfp task can have it.
WHOLE_RUN = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskEvent:
    """Something that happened to one attempt of one task.

    Attributes:
        task: The task as a person knows it, e.g. `deduplicate`, `score_benchmark[trained]` or
            `retrieve_contents/map_group[3/8]`.
        state: What happened.
        text: A progress line, or why the attempt failed; else empty.
        user_error: The attempt failed for something that only the user can mend, and `text` is its line.
        seconds: Since the attempt started.
        log: The file that holds all that the task printed.
    """

    task: str
    state: TaskState
    text: str = ""
    user_error: bool = False
    seconds: float = 0.0
    log: str = ""

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> "TaskEvent":
        """Read what `to_line` wrote."""
        return cls(**json.loads(line))


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerSettings:
    """How the tasks of a run become containers.

    Attributes:
        label: Value of the label `themis.run` on every container of the run.
        images: For each image that the pipeline names, the name under which the engine has it.
        user: User id that the containers run as and that the run's files belong to.
        group: Its group id.
    """

    label: str
    images: dict[str, str]
    user: int
    group: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRequest:
    """One run of one compiled pipeline.

    Attributes:
        run_root: Absolute folder of the run; the only one that containers see.
        arguments: Values of pipeline parameters.
        grace_seconds: How long tasks may take to end after SIGTERM before they are killed.
        containers: How tasks become containers, or None for tasks that are processes.
    """

    run_root: Path
    arguments: dict[str, Any] = field(default_factory=dict)
    grace_seconds: float
    containers: ContainerSettings | None = None

    @property
    def pipeline_root(self) -> Path:
        """Where kfp.local keeps its artifacts and each task's log."""
        return self.run_root / "kfp"

    @property
    def ir_file(self) -> Path:
        """The compiled pipeline."""
        return self.pipeline_root / "pipeline.yaml"

    @property
    def file(self) -> Path:
        """Where the request itself is kept."""
        return self.pipeline_root / "request.json"

    def write(self) -> None:
        """Leave the request for the orchestrator."""
        self.file.write_text(json.dumps(asdict(self) | {"run_root": str(self.run_root)}, indent=1) + "\n")

    @classmethod
    def read(cls, file: Path) -> "RunRequest":
        """Read what `write` left."""
        values = json.loads(file.read_text())
        containers = values.pop("containers")
        return cls(
            **values | {"run_root": Path(values["run_root"])},
            containers=ContainerSettings(**containers) if containers else None,
        )
