"""The process in which kfp.local works: `python -m pipelines.runners.orchestrator REQUEST_FILE EVENTS_FD`.

kfp.local prints, takes over the root logger, replaces `print` and keeps its settings in globals, so it gets a process
of its own whose output is the run's log. The process ends its tasks and itself on SIGTERM, and also when its
standard input closes, which is how it learns that the supervisor is gone.
"""

import logging
import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path

from pipelines.runners.protocol import WHOLE_RUN, RunRequest, TaskEvent
from pipelines.runners.tasks import Session


class SkippedInSilenceError(RuntimeError):
    """kfp.local gave up on a condition or a loop and went on without its tasks."""


class OrchestratorWarnings(logging.Filter):
    """Keeps the warnings of kfp.local's orchestrator, which reports tasks that it left out as nothing worse."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass; remember those that say that tasks were left out."""
        if (
            record.levelno >= logging.WARNING
            and "/kfp/local/orchestrator/" in Path(record.pathname).as_posix()
        ):
            self.messages.append(record.getMessage())
        return True


def orchestrate(request: RunRequest, session: Session) -> None:
    """Run the pipeline of a request to its end.

    Raises:
        RuntimeError: a task failed, or was left out in silence.
    """
    from kfp import components, local

    _install_attempts(request, session)
    warnings = OrchestratorWarnings()
    # A filter, because kfp.local replaces the root logger's handlers while it works.
    logging.getLogger().addFilter(warnings)
    # The runner's type chooses the attempt; no setting of kfp's own handlers applies.
    runner = local.DockerRunner() if request.containers else local.SubprocessRunner(use_venv=False)
    # kfp.local deletes the workspace, which no pipeline here has; a name that does not exist keeps it from making one.
    workspace = request.pipeline_root / "workspace"
    local.init(runner, pipeline_root=str(request.pipeline_root), workspace_root=str(workspace))
    pipeline = components.load_component_from_file(str(request.ir_file))
    pipeline(**request.arguments)
    if warnings.messages:
        raise SkippedInSilenceError("; ".join(warnings.messages))
    session.emit(TaskEvent(task=WHOLE_RUN, state="succeeded"))


def _install_attempts(request: RunRequest, session: Session) -> None:
    """Put our attempts in the place where kfp.local's dispatcher looks its task handlers up."""
    if request.containers:
        from kfp.local import docker_task_handler

        from pipelines.runners.container_attempt import ContainerAttempt

        docker_task_handler.DockerTaskHandler = partial(ContainerAttempt, session)
    else:
        from kfp.local import subprocess_task_handler

        from pipelines.runners.process_attempt import ProcessAttempt

        subprocess_task_handler.SubprocessTaskHandler = partial(ProcessAttempt, session)


def _stop_with_supervisor(session: Session) -> None:
    # Unbuffered: a thread inside sys.stdin's lock would make the interpreter abort when it ends.
    os.read(sys.stdin.fileno(), 1)
    session.stop()


def main(request_file: str, events_fd: str) -> None:
    """Run one request."""
    request = RunRequest.read(Path(request_file))
    with os.fdopen(int(events_fd), "w", encoding="utf-8") as events:
        session = Session(request, events)
        # A thread does the waiting, so that the main thread can go on reading what ending tasks print.
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=session.stop).start())
        threading.Thread(target=_stop_with_supervisor, args=(session,), daemon=True).start()
        orchestrate(request, session)


if __name__ == "__main__":
    main(*sys.argv[1:])
