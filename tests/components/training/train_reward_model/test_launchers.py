"""torchrun and accelerate, one node and two: the same bytes, published once, and SIGTERM is 143 for all."""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from components.training.train_reward_model.job import Job
from components.training.train_reward_model.launch import run_job
from tests.components.training.train_reward_model.outputs import outputs
from themis_common.datasets.reader import DatasetReader
from themis_common.schemas import MODEL_FILES

MakeJob = Callable[..., Job]
ROOT = Path(__file__).parents[4]
LONG = {"epochs": 20, "save_every": 2, "evaluate_every": 7}
HAS_THE_MODEL, HAS_NOT = 10, 11
RUN_JOB = f"""
import sys
from pathlib import Path
from components.training.train_reward_model.job import Job
from components.training.train_reward_model.launch import run_job
path = Path(sys.argv[1])
sys.exit({HAS_THE_MODEL} if run_job(Job.read(path), path, int(sys.argv[2])) else {HAS_NOT})
"""
pytestmark = pytest.mark.slow


def start(job: Job, processes: int, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """`run_job` in a process of its own, as the stage on one node runs it."""
    job.output.parent.mkdir(exist_ok=True)
    job_file = job.output.with_name("job.json")
    job.write(job_file)
    command = [sys.executable, "-c", RUN_JOB, str(job_file), str(processes)]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment})


def start_stage(
    inputs: Mapping[str, str], output: Path, processes: int, environment: Mapping[str, str]
) -> subprocess.Popen[str]:
    """`themis stage` on one node."""
    options = [f"--set={text}" for text in ("global_batch=8", "device=cpu", f"processes={processes}")]
    datasets = [f"--input={name}={uri}" for name, uri in inputs.items()]
    command = [sys.executable, "-m", "pipelines.cli.main", "stage", "training.train_reward_model"]
    return subprocess.Popen(
        [*command, *options, *datasets, f"--output={output}"],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def pet_variables(nodes: int) -> list[dict[str, str]]:
    """What a PyTorchJob or a TrainJob sets on each of its nodes."""
    port = free_port()
    return [
        {
            "PET_NNODES": str(nodes),
            "PET_NODE_RANK": str(rank),
            "PET_MASTER_ADDR": "127.0.0.1",
            "PET_MASTER_PORT": port,
        }
        for rank in range(nodes)
    ]


def rank_variables(nodes: int) -> list[dict[str, str]]:
    """What an operator sets that knows nothing of torchrun."""
    port = free_port()
    return [
        {"WORLD_SIZE": str(nodes), "RANK": str(rank), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        for rank in range(nodes)
    ]


def wait_for_a_checkpoint(job: Job) -> None:
    deadline = time.monotonic() + 300
    while not any(Path(job.checkpoints).rglob("*step-00000006*")):
        assert time.monotonic() < deadline, "the run does not get on"
        time.sleep(0.02)


@pytest.fixture
def by_torchrun(make_job: MakeJob) -> dict[str, bytes]:
    job = make_job(**LONG)
    assert run_job(job, job.output.with_name("job.json"), 2)
    return outputs(job)


def test_two_nodes_run_one_stage_and_the_first_publishes_what_one_node_would(
    tokenised: str, base_model: str, tmp_path: Path
) -> None:
    inputs = {"pairs": tokenised, "model": base_model}
    one = start_stage(inputs, tmp_path / "one", 2, {})
    assert one.wait() == 0
    nodes = [start_stage(inputs, tmp_path / "two", 1, environment) for environment in pet_variables(2)]
    said = [node.communicate()[0] for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0]
    assert [text.count("rows in") for text in said] == [1, 0]
    digests = [DatasetReader(str(tmp_path / name), MODEL_FILES).digest for name in ("one", "two")]
    assert digests[0] == digests[1]


def test_accelerate_stops_both_nodes_when_one_is_told_to_and_ends_with_the_bytes_of_torchrun(
    make_job: MakeJob, by_torchrun: dict[str, bytes]
) -> None:
    job = make_job(**LONG, launcher="accelerate")
    # folders of their own, and one folder for checkpoints
    jobs = [dataclasses.replace(job, output=job.output.parent / name / "trained") for name in ("a", "b")]
    variables = zip(jobs, rank_variables(2), strict=True)
    nodes = [start(mine, 1, environment) for mine, environment in variables]
    wait_for_a_checkpoint(job)
    nodes[1].send_signal(signal.SIGTERM)
    assert [node.wait() for node in nodes] == [143, 143]
    assert not any(mine.output.exists() for mine in jobs)

    assert start(job, 2, {}).wait() == HAS_THE_MODEL
    assert outputs(job) == by_torchrun


def test_checkpoints_that_the_other_node_does_not_see_are_refused(make_job: MakeJob) -> None:
    jobs = [make_job(), make_job()]
    nodes = [start(job, 1, environment) for job, environment in zip(jobs, pet_variables(2), strict=True)]
    assert [node.wait() for node in nodes] == [1, 1]
    for job in jobs:
        (message,) = [path.read_text() for path in job.failure_files()]
        assert message.startswith(f"process 1 does not see what process 0 writes to {job.checkpoints}: set")
    assert not list(Path(jobs[0].checkpoints).glob("seen*"))
