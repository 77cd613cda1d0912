"""Two real ranks under torchrun: the same numbers as one, and the same bytes after any kind of death."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.training.train_reward_model.job import METRICS, Job
from components.training.train_reward_model.launch import run_job
from components.training.train_reward_model.trackers import LINES
from tests.components.training.train_reward_model.outputs import outputs
from themis_common.errors import UserError

MakeJob = Callable[..., Job]
ROOT = Path(__file__).parents[4]
LONG = {"epochs": 20, "save_every": 4, "evaluate_every": 7, "log_every": 1}
pytestmark = pytest.mark.slow


def metrics(job: Job) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (job.output / METRICS).read_text().splitlines()]


def start_launcher(job: Job) -> subprocess.Popen[bytes]:
    """`run_job` in a process of its own, so that it can be told to stop or killed."""
    job_file = job.output.with_name("job.json")
    job.write(job_file)
    code = (
        "from pathlib import Path\n"
        "from components.training.train_reward_model.job import Job\n"
        "from components.training.train_reward_model.launch import run_job\n"
        f"path = Path({str(job_file)!r})\n"
        "run_job(Job.read(path), path, 2)\n"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)


def steps(job: Job) -> int:
    """Steps that were taken, those taken again counted twice."""
    curves = job.log / LINES
    return curves.read_text().count("loss/total") if curves.exists() else 0


def wait_for_step(job: Job, step: int) -> None:
    deadline = time.monotonic() + 60
    while steps(job) < step:
        assert time.monotonic() < deadline, "the run does not get on"
        time.sleep(0.02)


def descendants(ancestor: int) -> list[int]:
    """All processes below `ancestor`."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found = [ancestor]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found[1:]


@pytest.fixture
def undisturbed(make_job: MakeJob) -> Job:
    job = make_job(**LONG)
    run_job(job, job.output.with_name("job.json"), 2)
    return job


def test_two_ranks_agree_with_one(make_job: MakeJob, train: Callable[..., bool], undisturbed: Job) -> None:
    alone = make_job(**LONG)
    train(alone)
    for mine, other in zip(metrics(undisturbed), metrics(alone), strict=True):
        assert mine["value"] == pytest.approx(other["value"], rel=1e-3, abs=1e-4), mine


def test_whatever_ends_a_run_the_next_one_ends_in_the_same_bytes(make_job: MakeJob, undisturbed: Job) -> None:
    job = make_job(**LONG)

    launcher = start_launcher(job)
    wait_for_step(job, 5)
    launcher.send_signal(signal.SIGTERM)
    assert launcher.wait() == 143

    launcher = start_launcher(job)
    wait_for_step(job, steps(job) + 7)
    for process in [launcher.pid, *descendants(launcher.pid)]:
        os.kill(process, signal.SIGKILL)
    assert launcher.wait() == -signal.SIGKILL

    launcher = start_launcher(job)
    wait_for_step(job, steps(job) + 3)
    orphans = descendants(launcher.pid)
    launcher.kill()
    launcher.wait()
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{process}").exists() for process in orphans):
        assert time.monotonic() < deadline, "ranks go on without their launcher"
        time.sleep(0.1)
    assert not job.output.exists()

    run_job(job, job.output.with_name("job.json"), 2)
    assert outputs(job) == outputs(undisturbed)


def test_what_a_rank_has_to_tell_the_user_reaches_the_caller(make_job: MakeJob) -> None:
    job = make_job(max_tokens_per_pack=20)
    with pytest.raises(UserError, match="more than max_tokens_per_pack 20"):
        run_job(job, job.output.with_name("job.json"), 2)
