"""The README's commands for one's own repositories, run word for word where such repositories lie."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.sample_data import write_sample_data
from tests.e2e.runs import ROOT

pytestmark = pytest.mark.slow
OURS = ".venv/bin/themis"
ELSEWHERE = ("https://", "runs/8b")
"""What a block speaks of that needs a server of somebody else, or a model that takes GPUs to train."""


def local_commands() -> list[list[str]]:
    """The `themis` lines of the README's shell blocks, but for those that need what is not at hand here."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    runnable = [block for block in blocks if not any(word in block for word in ELSEWHERE)]
    lines = "\n".join(runnable).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith(OURS)]


def test_there_are_commands_to_run() -> None:
    assert len(local_commands()) >= 3


def test_commands_for_own_repositories_work_as_written(tmp_path: Path) -> None:
    sample = write_sample_data(tmp_path / "sample")
    here = tmp_path / "here"
    here.mkdir()
    for name, repository in zip(("alpha", "beta"), sample.repositories, strict=False):
        shutil.copytree(repository, tmp_path / name)
    shutil.copy(sample.general_pairs, here / "pairs.parquet")
    shutil.copy(sample.benchmark, here / "benchmark.parquet")
    for command in local_commands():
        done = subprocess.run(
            [sys.executable, "-m", "pipelines.cli.main", *command[1:]],
            cwd=here,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stderr}"
    assert (here / "runs/mine/report/index.html").is_file()
