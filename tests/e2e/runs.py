"""Starting the real `themis` command in a process group of its own, and reading what a run left."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DEMO = ("demo", "--size", "small", "--output")
"""The small demo; the run folder follows."""


def themis(*arguments: str, timeout: float = 900) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "pipelines.cli.main", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def themis_killed_after(seconds: float, *arguments: str) -> bool:
    """Start the command and SIGKILL its whole process group after so long; whether there was something to kill."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli.main", *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def digests(run: Path) -> dict[str, str]:
    """The content digest of every task's dataset."""
    records: dict[str, dict[str, Any]] = {
        file.stem: json.loads(file.read_text()) for file in sorted((run / "tasks").glob("*.json"))
    }
    return {task: record["digest"] for task, record in records.items()}


def shard_times(run: Path) -> dict[Path, int]:
    """Modification times of the shards of all units that have a marker."""
    times = {}
    for marker in (run / "store").rglob("_units/*.json"):
        for table in json.loads(marker.read_text())["tables"].values():
            shard = marker.parents[1] / table["shard"]["name"]
            times[shard] = shard.stat().st_mtime_ns
    return times
