"""One attempt of one task under kfp.local: its log, its events, and the proof that it is done.

kfp.local decides what runs next and with which inputs; these classes stand in for its own task handlers, which
believe an exit code, print everything, and cannot be ended. An attempt counts as done only when its exit code is 0
and all its declared outputs exist.
"""

import json
import os
import re
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from pipelines.runners.protocol import RunRequest, TaskEvent, TaskState
from themis_common.progress import MARKER
from themis_common.stages.task import ERROR

# Metrics live in an artifact's metadata; every other artifact is a file.
_FILELESS_ARTIFACT = re.compile(r"system\.\w*Metrics")
_ITERATION = re.compile(r"-iteration-(\d+)/")


class StoppedError(RuntimeError):
    """The run is ending, so no further task may start."""


@dataclass(frozen=True, slots=True)
class TaskCall:
    """What kfp.local asks to run, read from the command line that it composed.

    Attributes:
        name: The task as a person knows it (see `TaskEvent.task`).
        source: Text of the module that holds the component's function.
        arguments: Arguments of kfp's executor.
        output_file: Where the executor says that the function returned; its folder is the task's own.
        artifacts: Files that the task promises to write.
    """

    name: str
    source: str
    arguments: tuple[str, ...]
    output_file: Path
    artifacts: tuple[Path, ...]

    @classmethod
    def read(cls, command: list[str]) -> "TaskCall":
        """Take apart `sh -ec SCRIPT SOURCE --executor_input JSON --function_to_execute NAME`."""
        assert command[:2] == ["sh", "-ec"], f"not a lightweight component: {command[:2]}"
        source, *arguments = command[3:]
        executor_input = json.loads(arguments[arguments.index("--executor_input") + 1])
        function = arguments[arguments.index("--function_to_execute") + 1]
        outputs = executor_input["outputs"]
        promised = [item for entry in outputs.get("artifacts", {}).values() for item in entry["artifacts"]]
        return cls(
            name=_name(function, executor_input, outputs["outputFile"]),
            source=source,
            arguments=tuple(arguments),
            output_file=Path(outputs["outputFile"]),
            artifacts=tuple(
                Path(item["uri"])
                for item in promised
                if not _FILELESS_ARTIFACT.match(item["type"]["schemaTitle"])
            ),
        )

    @property
    def log(self) -> Path:
        """What the task prints, all attempts after another."""
        return self.output_file.with_name("log.txt")

    def missing_outputs(self) -> list[str]:
        """The promised files that do not exist."""
        return [path.name for path in (self.output_file, *self.artifacts) if not path.exists()]


def _name(function: str, executor_input: dict[str, Any], output_file: str) -> str:
    """`task/function[iteration]`, without the parts that add nothing.

    Components take the name of their configuration section as the parameter `task`.
    """
    task = executor_input.get("inputs", {}).get("parameterValues", {}).get("task", function)
    iterations = "".join(f"[{index}]" for index in _ITERATION.findall(output_file))
    return f"{task}{'' if task == function else '/' + function}{iterations}"


class Session:
    """One run: where its events go, which attempts are alive, and how to end them."""

    def __init__(self, request: RunRequest, events: TextIO) -> None:
        self.request = request
        self._events = events
        self._lock = threading.Lock()
        self._alive: set[Attempt] = set()
        self._stopping = False

    def emit(self, event: TaskEvent) -> None:
        """Tell the supervisor."""
        with self._lock:
            self._events.write(event.to_line())
            self._events.flush()

    def start(self, attempt: "Attempt") -> None:
        """Start an attempt, unless the run is ending.

        Raises:
            StoppedError: the run is ending.
        """
        with self._lock:
            if self._stopping:
                raise StoppedError(f"{attempt.call.name} was not started, because the run is ending")
            attempt.start()
            self._alive.add(attempt)

    def forget(self, attempt: "Attempt") -> None:
        """Take note that an attempt has ended."""
        with self._lock:
            self._alive.discard(attempt)

    def stop(self) -> None:
        """End every task and then this process, with the exit code of a process ended by SIGTERM."""
        with self._lock:
            self._stopping = True
            alive = list(self._alive)
        for attempt in alive:
            attempt.terminate()
        deadline = time.monotonic() + self.request.grace_seconds
        for attempt in alive:
            attempt.kill_after(max(0.0, deadline - time.monotonic()))
        os._exit(128 + signal.SIGTERM)


class Attempt(ABC):
    """An attempt of a task, in the shape of kfp.local's task handlers (`kfp.local.task_handler_interface`).

    Args:
        session: The run that it belongs to.
        image: The image that the component names.
        full_command: The command line that kfp composed.
        pipeline_root: Not used; the session knows it.
        runner: Not used; the session knows the settings.
        env_vars: Variables that the component sets.
    """

    def __init__(
        self,
        session: Session,
        *,
        image: str,
        full_command: list[str],
        pipeline_root: str,  # noqa: ARG002
        runner: object,  # noqa: ARG002
        env_vars: dict[str, str] | None = None,
    ) -> None:
        self.session = session
        self.image = image
        self.call = TaskCall.read(full_command)
        self.command = full_command
        self.environment = env_vars or {}

    @abstractmethod
    def start(self) -> None:
        """Start the work."""

    @abstractmethod
    def lines(self) -> Iterator[bytes]:
        """Yield what the task prints, line by line, until it ends."""

    @abstractmethod
    def wait(self) -> int:
        """Return the exit code; -N or 128 + N when signal N killed it."""

    @abstractmethod
    def terminate(self) -> None:
        """Ask the task and all that it started to end."""

    @abstractmethod
    def kill_after(self, seconds: float) -> None:
        """Wait for what `terminate` asked for, and then end it by force."""

    def run(self) -> Any:
        """Run the attempt and say how it ended, as kfp.local wants it.

        Returns:
            A `kfp.local.status.Status`.

        Raises:
            StoppedError: the run is ending, or a task has left a user error, which no retry can mend.
        """
        from kfp.local.status import Status

        call = self.call
        call.output_file.parent.mkdir(parents=True, exist_ok=True)
        # What an earlier attempt left proves nothing about this one.
        call.output_file.unlink(missing_ok=True)
        started = time.monotonic()
        self.session.start(self)
        self._emit("started", started)
        last_line = self._follow(started)
        code = self.wait()
        self.session.forget(self)
        if problem := self._problem(code, last_line):
            self._emit("failed", started, problem)
            if (self.session.request.run_root / ERROR).exists():
                raise StoppedError(f"{call.name} met a user error")
            return Status.FAILURE
        self._emit("succeeded", started)
        return Status.SUCCESS

    def _follow(self, started: float) -> str:
        """Copy the output to the task's log and progress lines to the supervisor; return the last line."""
        last_line = ""
        with self.call.log.open("ab") as log:
            for raw in self.lines():
                log.write(raw)
                log.flush()
                line = raw.decode(errors="replace").strip()
                last_line = line or last_line
                if line.startswith(MARKER):
                    self._emit("progress", started, line.removeprefix(MARKER))
        return last_line

    def _problem(self, code: int, last_line: str) -> str:
        number = -code if code < 0 else code - 128
        if number in set(signal.Signals):
            return f"killed by {signal.Signals(number).name}: {last_line}"
        if code:
            return f"exit code {code}: {last_line}"
        if missing := self.call.missing_outputs():
            return f"ended with exit code 0 but wrote no {', '.join(missing)}"
        return ""

    def _emit(self, state: TaskState, started: float, text: str = "") -> None:
        seconds = round(time.monotonic() - started, 3)
        log = str(self.call.log)
        self.session.emit(TaskEvent(task=self.call.name, state=state, text=text, seconds=seconds, log=log))
