"""The lines that a person sees while the tasks of a pipeline run."""

import sys
from typing import TextIO

from pipelines.runners.protocol import TaskEvent


class TaskLines:
    """Prints each event of a run as one line: what finished and how long it took, and what long tasks say."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def show(self, event: TaskEvent) -> None:
        """Print the event, unless it says no more than that a task has begun."""
        if event.state == "progress":
            self._print(f"  .  {event.text}")
        elif event.state == "succeeded":
            self._print(f"  ok {event.task} ({event.seconds:.1f} s)")
        elif event.state == "failed":
            # the command prints the lines of user errors last
            reason = "" if event.user_error else f": {event.text}; log: {event.log}"
            self._print(f"fail {event.task} ({event.seconds:.1f} s){reason}")

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)
