"""No process outlives a run, whichever way the caller goes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[3]


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def start_caller(folder: Path, grace_seconds: float) -> tuple[subprocess.Popen[bytes], list[int]]:
    """Start a run whose two tasks sleep; return the caller and the ids of its orchestrator and both families."""
    command = [sys.executable, "-m", "tests.pipelines.runners.run_sleepers", str(folder), str(grace_seconds)]
    caller = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    files = [folder / "polite.pids", folder / "stubborn.pids"]
    assert wait_until(lambda: all(file.exists() for file in files), seconds=30)
    family = [int(pid) for file in files for pid in file.read_text().split()]
    orchestrator = psutil.Process(caller.pid).children()[0].pid
    assert all(is_running(pid) for pid in [orchestrator, *family])
    return caller, [orchestrator, *family]


@pytest.mark.parametrize(
    ("number", "exit_code"),
    [
        (signal.SIGINT, -signal.SIGINT),
        (signal.SIGTERM, 128 + signal.SIGTERM),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_tasks_and_their_children_end_with_the_caller(
    number: signal.Signals, exit_code: int, tmp_path: Path
) -> None:
    caller, others = start_caller(tmp_path, grace_seconds=1)
    caller.send_signal(number)
    caller.communicate(timeout=20)
    assert caller.returncode == exit_code
    assert wait_until(lambda: not any(is_running(pid) for pid in others), seconds=10)
    assert (tmp_path / "polite.saved").exists()


def test_second_interrupt_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    caller, others = start_caller(tmp_path, grace_seconds=600)
    caller.send_signal(signal.SIGINT)
    assert wait_until((tmp_path / "polite.saved").exists, seconds=10)
    caller.send_signal(signal.SIGINT)
    caller.communicate(timeout=20)
    orchestrator, _polite, _polite_child, stubborn, stubborn_child = others
    assert wait_until(lambda: not any(is_running(pid) for pid in (orchestrator, stubborn)), seconds=10)
    # A process that ignores SIGTERM in a session of its own cannot be found once its parents are gone.
    os.kill(stubborn_child, signal.SIGKILL)


def test_tasks_end_when_the_orchestrator_is_killed(tmp_path: Path) -> None:
    caller, others = start_caller(tmp_path, grace_seconds=1)
    orchestrator, polite, polite_child, stubborn, stubborn_child = others
    os.kill(orchestrator, signal.SIGKILL)
    caller.communicate(timeout=20)
    assert wait_until(lambda: not any(is_running(pid) for pid in (polite, stubborn)), seconds=10)
    for child in (polite_child, stubborn_child):
        os.kill(child, signal.SIGKILL)
