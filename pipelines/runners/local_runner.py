"""Run a pipeline as processes of the current interpreter: no container engine, no cluster, no network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.ir_linter import CompiledPipeline
from pipelines.runners.protocol import TaskEvent
from pipelines.runners.supervisor import GRACE_SECONDS, OnEvent, RunOutcome, supervise


def ignore_event(_event: TaskEvent) -> None:
    """Follow nothing."""


def run_local(
    pipeline: CompiledPipeline,
    arguments: Mapping[str, Any],
    *,
    run_root: Path,
    log: Path,
    on_event: OnEvent = ignore_event,
    grace_seconds: float = GRACE_SECONDS,
) -> RunOutcome:
    """Run a pipeline to its end, or to the user error of a task that all others wait for.

    Args:
        pipeline: What `@dsl.pipeline` returned.
        arguments: Values of its parameters.
        run_root: The run's folder; kfp's files and the tasks' logs go to `kfp/` in it.
        log: File for everything that kfp says.
        on_event: Called with each event as it happens.
        grace_seconds: Time that tasks get between SIGTERM and SIGKILL when the run is ended early.

    Raises:
        UserError: an argument does not fit.
    """
    return supervise(
        pipeline, arguments, run_root=run_root, log=log, on_event=on_event, grace_seconds=grace_seconds
    )
