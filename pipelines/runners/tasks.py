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
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from pipelines.runners.protocol import RunRequest, TaskEvent, TaskState
from themis_common.progress import MARKER
from themis_common.stages.task import RunFolder

# Metrics live in an artifact's metadata; every other artifact is a file.
_FILELESS_ARTIFACT = re.compile(r"system\.\w*Metrics")
_ITERATION = re.compile(r"-iteration-(\d+)/")
# What a component calls the item of the loop that it runs in.
_LOOP_ITEMS = ("cell", "group")
# Libraries may say goodbye after the line of the error that ends a task.
_LAST_LINES = 40


class StoppedError(RuntimeError):
    """The run is ending, so no further task may start."""


@dataclass(frozen=True, slots=True)
class TaskCall:
    """What kfp.local asks to run, read from the command line that it composed.

    Attributes:
        name: The task as a person knows it (see `TaskEvent.task`).
        in_loop: Whether it is one iteration of a loop.
        source: Text of the module that holds the component's function.
        arguments: Arguments of kfp's executor.
        output_file: Where the executor says that the function returned; its folder is the task's own.
        artifacts: Files that the task promises to write.
    """

    name: str
    in_loop: bool
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
            in_loop=bool(_ITERATION.search(outputs["outputFile"])),
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

    Components take the name of their configuration section as the parameter `task`. An iteration goes by the item of
    its loop where the component takes that, and else by its number.
    """
    values = executor_input.get("inputs", {}).get("parameterValues", {})
    task = values.get("task", function)
    iterations = _ITERATION.findall(output_file)
    if iterations:
        iterations[-1] = next((values[name] for name in _LOOP_ITEMS if name in values), iterations[-1])
    suffix = "".join(f"[{iteration}]" for iteration in iterations)
    return f"{task}{'' if task == function else '/' + function}{suffix}"


class Session:
    """One run: where its events go, which attempts are alive, and how to end them."""

    def __init__(self, request: RunRequest, events: TextIO) -> None:
        self.request = request
        self._events = events
        self._lock = threading.Lock()
        self._alive: set[Attempt] = set()
        self._gaps: set[Path] = set()
        self._hopeless: set[Path] = set()
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

    def is_hopeless(self, call: TaskCall) -> bool:
        """Whether an earlier attempt of the task has met a user error, which no retry can mend."""
        with self._lock:
            return call.output_file in self._hopeless

    def note_success(self, call: TaskCall) -> None:
        """Take note that a task is done, in whichever attempt."""
        with self._lock:
            self._gaps.discard(call.output_file)

    def note_failure(self, call: TaskCall, *, user_error: bool) -> None:
        """Take note that an attempt has failed.

        An iteration of a loop leaves a gap: the others go on, and the gate after them reports it, which is a user
        error of its own that must not keep the report from being written.

        Raises:
            StoppedError: a user error before there is any gap; nothing that depends on the task could run.
        """
        with self._lock:
            if call.in_loop:
                self._gaps.add(call.output_file)
            if not user_error:
                return
            self._hopeless.add(call.output_file)
            if not self._gaps:
                raise StoppedError(f"{call.name} met a user error")

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
            StoppedError: the run is ending, or ends here because of a user error.
        """
        from kfp.local.status import Status

        call = self.call
        if self.session.is_hopeless(call):
            return Status.FAILURE
        call.output_file.parent.mkdir(parents=True, exist_ok=True)
        # What an earlier attempt left proves nothing about this one.
        call.output_file.unlink(missing_ok=True)
        started = time.monotonic()
        self.session.start(self)
        self._emit("started", started)
        last_lines = self._follow(started)
        code = self.wait()
        self.session.forget(self)
        if problem := self._problem(code, last_lines):
            message = self._user_error(last_lines)
            self._emit("failed", started, message or problem, user_error=message is not None)
            self.session.note_failure(call, user_error=message is not None)
            return Status.FAILURE
        self.session.note_success(call)
        self._emit("succeeded", started)
        return Status.SUCCESS

    def _follow(self, started: float) -> Sequence[str]:
        """Copy the output to the task's log and progress lines to the supervisor; return the last lines."""
        last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        with self.call.log.open("ab") as log:
            for raw in self.lines():
                log.write(raw)
                log.flush()
                line = raw.decode(errors="replace").strip()
                if line:
                    last_lines.append(line)
                if line.startswith(MARKER):
                    self._emit("progress", started, line.removeprefix(MARKER))
        return last_lines

    def _problem(self, code: int, last_lines: Sequence[str]) -> str:
        last_line = last_lines[-1] if last_lines else ""
        number = -code if code < 0 else code - 128
        if number in set(signal.Signals):
            return f"killed by {signal.Signals(number).name}: {last_line}"
        if code:
            return f"exit code {code}: {last_line}"
        if missing := self.call.missing_outputs():
            return f"ended with exit code 0 but wrote no {', '.join(missing)}"
        return ""

    def _user_error(self, last_lines: Sequence[str]) -> str | None:
        """The user error that ended the attempt: one that tasks of the run have left, and that this one has printed."""
        errors = RunFolder(str(self.session.request.run_root)).errors()
        for message in (error.message for error in errors):
            if any(line.endswith(f": {message}") for line in last_lines):
                return message
        return None

    def _emit(self, state: TaskState, started: float, text: str = "", *, user_error: bool = False) -> None:
        self.session.emit(
            TaskEvent(
                task=self.call.name,
                state=state,
                text=text,
                user_error=user_error,
                seconds=round(time.monotonic() - started, 3),
                log=str(self.call.log),
            )
        )
