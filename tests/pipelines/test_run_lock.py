"""The lock on a run folder: whom it keeps out, and that it ends with its holder."""

import fcntl
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.run_lock import alone_in
from tests.e2e.runs import themis
from themis_common.errors import UserError

_HOLDER = """
import sys, time
from pathlib import Path
from pipelines.run_lock import alone_in
with alone_in(Path(sys.argv[1])):
    print("at work", flush=True)
    time.sleep(600)
"""


@contextmanager
def _held(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that is at work in the folder."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-c", _HOLDER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_killed_holder_blocks_nobody(tmp_path: Path) -> None:
    with _held(tmp_path) as holder:
        refusal = "^--output: another run is at work in .*; wait for its end"
        with pytest.raises(UserError, match=refusal), alone_in(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with alone_in(tmp_path):
            assert (tmp_path / ".lock").is_file()


def test_a_file_system_without_locks_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with alone_in(tmp_path), alone_in(tmp_path):
        pass


@pytest.mark.parametrize("verb", ["run", "demo", "train"])
def test_the_second_run_in_a_folder_leaves_the_first_alone(verb: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text(json.dumps({"input": "i", "chosen": "c", "rejected": "r", "criterion": "Helpfulness"}))
    arguments = {
        "run": ["run", "dataset"],
        "demo": ["demo"],
        "train": ["train", "--recipe", "0.6b-1gpu", "--data", str(pairs), "--model", "tiny"],
    }[verb]
    with _held(output):
        done = themis(*arguments, "--output", str(output))
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        f"error: --output: another run is at work in {output}; wait for its end, or choose another folder"
    ]
    assert [path.name for path in output.iterdir()] == [".lock"]
