"""A task as a process of the current interpreter."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil

from pipelines.runners.tasks import Attempt


class ProcessAttempt(Attempt):
    """Runs kfp's executor on the component's function, without the shell that wraps it for a container.

    kfp's own handler puts the path of the interpreter in place of every `python3` in the command, parameter values
    included, and leaves a temporary folder behind.
    """

    _process: subprocess.Popen[bytes]
    _descendants: list[psutil.Process]

    def start(self) -> None:
        """Start the executor in the process group of the orchestrator."""
        module = self.call.output_file.with_name("component_body.py")
        module.write_text(self.call.source, encoding="utf-8")
        executor = [sys.executable, "-m", "kfp.dsl.executor_main", "--component_module_path", str(module)]
        self._process = subprocess.Popen(
            [*executor, *self.call.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # _KFP_RUNTIME makes `import kfp` load what the executor needs and no more.
            env=os.environ | self.environment | {"_KFP_RUNTIME": "true"},
        )

    def lines(self) -> Iterator[bytes]:
        """Yield what the process and its children print."""
        assert self._process.stdout is not None
        with self._process.stdout as output:
            yield from output

    def wait(self) -> int:
        """Return the exit code of the executor."""
        return self._process.wait()

    def terminate(self) -> None:
        """Send SIGTERM to the executor and its descendants, those in sessions of their own (torchrun) too."""
        self._descendants = self._living_descendants()
        self._process.terminate()
        for process in self._descendants:
            with suppress(psutil.NoSuchProcess):
                process.terminate()

    def kill_after(self, seconds: float) -> None:
        """Wait, then send SIGKILL to what is left."""
        deadline = time.monotonic() + seconds
        # Only Popen may wait for its own child; psutil would take the exit code away from it.
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        left = {*self._descendants, *self._living_descendants()}
        _, left_alive = psutil.wait_procs(left, timeout=max(0.0, deadline - time.monotonic()))
        self._process.kill()
        for process in left_alive:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _living_descendants(self) -> list[psutil.Process]:
        try:
            descendants: list[psutil.Process] = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return descendants
