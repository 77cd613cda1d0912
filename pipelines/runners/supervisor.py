"""The caller's side of a local run: check, start the orchestrator, follow its events, and leave no process behind."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final, TextIO

import pipelines
from pipelines.ir_linter import CompiledPipeline, ir, lint
from pipelines.runners.arguments import check_arguments
from pipelines.runners.protocol import WHOLE_RUN, ContainerSettings, RunRequest, TaskEvent
from themis_common.stages.task import RunFolder

GRACE_SECONDS: Final = 30.0
# Beyond the grace that the orchestrator gives to its tasks, for itself.
_ORCHESTRATOR_SECONDS: Final = 5.0
# Iterations that one line names; a loop may have hundreds that all miss the same thing.
_MOST_NAMES: Final = 5

OnEvent = Callable[[TaskEvent], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOutcome:
    """What became of a run.

    Attributes:
        user_errors: What only the user can mend, one line each: of a task, which ended the run, or of iterations of
            a loop, which they name, and of the gate after these.
        failure: What else it failed for, in one line; None when nothing else went wrong.
        tasks: The last event of each task, in the order in which they started.
        seconds: Wall time.
        log: What kfp printed. Each task's own output is in the log that its event names.
    """

    user_errors: tuple[str, ...] = ()
    failure: str | None
    tasks: tuple[TaskEvent, ...]
    seconds: float
    log: Path


def supervise(
    pipeline: CompiledPipeline,
    arguments: Mapping[str, Any],
    *,
    run_root: Path,
    log: Path,
    on_event: OnEvent,
    grace_seconds: float,
    containers: ContainerSettings | None = None,
) -> RunOutcome:
    """Run a pipeline under kfp.local in a process of its own.

    However this ends (return, exception, Ctrl-C, SIGTERM, even SIGKILL) the tasks end too: SIGTERM first, SIGKILL
    after `grace_seconds`.

    Args:
        pipeline: What `@dsl.pipeline` returned; it must keep the rules of `pipelines.ir_linter`.
        arguments: Values of its parameters.
        run_root: The run's folder; made if it is missing.
        log: File for everything that kfp says.
        on_event: Called with each event as it happens.
        grace_seconds: Time that tasks get to end in.
        containers: How tasks become containers; None for processes.

    Raises:
        UserError: an argument does not fit.
    """
    spec = ir(pipeline)
    findings = lint(spec)
    assert not findings, "; ".join(str(finding) for finding in findings)
    check_arguments(spec, arguments)
    request = RunRequest(
        run_root=run_root.absolute(),
        arguments=dict(arguments),
        grace_seconds=grace_seconds,
        containers=containers,
    )
    _write(pipeline, request)
    started = time.monotonic()
    latest: dict[str, TaskEvent] = {}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as output, _orchestrator(request, output) as (process, events):
        for line in events:
            event = TaskEvent.from_line(line)
            # Names may repeat; a task's log is its own. The event about the whole run has none.
            latest[event.log] = event
            if event.task != WHOLE_RUN:
                on_event(event)
        code = process.wait()
    finished = latest.pop("", None) is not None
    tasks = tuple(latest.values())
    return RunOutcome(
        user_errors=_error_lines(tasks),
        failure=_failure(finished and code == 0, tasks, log),
        tasks=tasks,
        seconds=time.monotonic() - started,
        log=log,
    )


def _error_lines(tasks: tuple[TaskEvent, ...]) -> tuple[str, ...]:
    """One line for each user error, led by the iterations of loops that met it."""
    met_by: dict[str, list[str]] = {}
    for task in tasks:
        if task.user_error:
            names = met_by.setdefault(task.text, [])
            # Of what is no iteration there is one only, and its line names what to mend.
            if task.task.endswith("]"):
                names.append(task.task)
    return tuple(f"{_listed(names)}: {text}" if names else text for text, names in met_by.items())


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _failure(succeeded: bool, tasks: tuple[TaskEvent, ...], log: Path) -> str | None:
    # Whatever kfp says of the run, a task whose last attempt failed has failed it.
    failed = [task for task in tasks if task.state == "failed"]
    if failed:
        others = [task for task in failed if not task.user_error]
        lines = (f"{task.task} failed after {task.seconds:.1f} s: {task.text}" for task in others)
        return "; ".join(lines) or None
    return None if succeeded else f"the run ended early although no task failed; see {log}"


def _write(pipeline: CompiledPipeline, request: RunRequest) -> None:
    from kfp.compiler import Compiler

    request.pipeline_root.mkdir(parents=True, exist_ok=True)
    RunFolder(str(request.run_root)).clear_errors()
    Compiler().compile(pipeline, str(request.ir_file))
    request.write()


@contextmanager
def _orchestrator(request: RunRequest, output: TextIO) -> Iterator[tuple[subprocess.Popen[bytes], TextIO]]:
    """Start the orchestrator; yield it and its events; end it and all its descendants on the way out."""
    read_end, write_end = os.pipe()
    with _exit_on_sigterm(), os.fdopen(read_end, encoding="utf-8") as events:
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", "pipelines.runners.orchestrator", str(request.file), str(write_end)],
                # Never written to: it closes when this process is gone, however it went.
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[write_end],
                cwd=request.run_root,
                env=_environment(),
                # A process group of its own, so that Ctrl-C reaches this process alone, which then ends the group.
                start_new_session=True,
            )
        finally:
            os.close(write_end)
        try:
            yield process, events
        finally:
            _end(process, request.grace_seconds + _ORCHESTRATOR_SECONDS)


def _end(process: subprocess.Popen[bytes], seconds: float) -> None:
    assert process.stdin is not None
    process.stdin.close()
    # Out of time, or a second Ctrl-C: no more waiting.
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        process.wait(seconds)
    # What is left of the group: the orchestrator itself, or tasks that it left behind when it crashed.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment() -> dict[str, str]:
    """The environment of the orchestrator and its tasks: ours, and our packages importable from any folder."""
    root = str(Path(pipelines.__file__).parents[1])
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    path = [root, *(entry for entry in inherited if entry and entry != root)]
    # PYTHONSAFEPATH: a folder `components` where the user stands must not hide ours.
    return os.environ | {"PYTHONPATH": os.pathsep.join(path), "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}


@contextmanager
def _exit_on_sigterm() -> Iterator[None]:
    """Turn SIGTERM into SystemExit, so that `finally` blocks run."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
