"""What the processes of a run find in their environment."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from components.training.train_reward_model.job import Job
from components.training.train_reward_model.launch import process_environment

MakeJob = Callable[..., Job]


def test_gpu_memory_grows_with_the_longest_pack_so_far(make_job: MakeJob) -> None:
    found = process_environment(make_job(), {"HOME": "/home/one"})
    assert (found["HOME"], found["PYTORCH_ALLOC_CONF"]) == ("/home/one", "expandable_segments:True")


@pytest.mark.parametrize("name", ["PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF"])
def test_what_the_user_says_of_gpu_memory_holds(make_job: MakeJob, name: str) -> None:
    found = process_environment(make_job(), {name: "max_split_size_mb:512"})
    assert {key: value for key, value in found.items() if "ALLOC_CONF" in key} == {
        name: "max_split_size_mb:512"
    }


def test_the_processes_find_the_same_code_and_what_the_user_added(make_job: MakeJob, tmp_path: Path) -> None:
    found = process_environment(make_job(threads=3), {"PYTHONPATH": str(tmp_path)})
    (tmp_path / "added.py").touch()
    code = "import added, os, themis_common; print(themis_common.__file__, os.environ['OMP_NUM_THREADS'])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=found, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    file, threads = done.stdout.split()
    assert Path(file).parents[1] == Path(__file__).parents[4]
    assert threads == "3"
