"""Pipelines run as containers of the real image, over the Docker API."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from images.build import BuiltImage
from pipelines.runners.docker_runner import run_docker
from pipelines.runners.supervisor import RunOutcome
from tests.pipelines.runners import sample_pipelines as sample
from themis_common.errors import UserError

pytestmark = [pytest.mark.container, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


def run(pipeline: Any, root: Path, **arguments: Any) -> RunOutcome:
    return run_docker(pipeline, arguments, run_root=root, log=root / "kfp.log", grace_seconds=2)


def containers() -> list[str]:
    command = ["podman", "ps", "--all", "--filter", "label=themis.run", "--format", "{{.ID}}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.usefixtures("engine")
def test_loop_and_gate_run_in_containers_that_leave_nothing_behind(tmp_path: Path) -> None:
    outcome = run(sample.cells, tmp_path / "run", folder=str(tmp_path / "run"))
    assert outcome.failure is None
    assert [task.task for task in outcome.tasks] == ["plan", "score[0]", "score[1]", "gather"]
    assert (tmp_path / "run" / "gathered").stat().st_uid == 10001
    assert containers() == []


@pytest.mark.usefixtures("engine")
def test_tasks_use_the_package_of_the_image(tmp_path: Path) -> None:
    outcome = run(sample.talk, tmp_path / "run")
    assert outcome.failure is None
    said = next((tmp_path / "run").rglob("said")).read_text()
    assert said == f"hello /opt/themis/lib/python3.11/site-packages/pipelines/__init__.py {tmp_path / 'run'}"


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("pipeline", "problem"),
    [
        (sample.forgetful, "ended with exit code 0 but wrote no scores"),
        (sample.early, "ended with exit code 0 but wrote no executor_output.json"),
        (sample.killed, "killed by SIGKILL"),
    ],
)
def test_a_task_is_done_only_when_its_outputs_exist(pipeline: Any, problem: str, tmp_path: Path) -> None:
    outcome = run(pipeline, tmp_path / "run")
    assert outcome.failure is not None
    assert problem in outcome.failure
    assert containers() == []


@pytest.mark.usefixtures("engine")
def test_user_error_crosses_the_wall_of_the_container(tmp_path: Path) -> None:
    outcome = run(sample.complaint, tmp_path / "run", run=str(tmp_path / "run"))
    assert outcome.user_errors == ("repos.yaml: no key `branch`; add one",)


@pytest.mark.usefixtures("engine")
def test_ending_the_caller_removes_its_containers(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from pipelines.runners.docker_runner import run_docker\n"
        "from tests.pipelines.runners.sample_pipelines import waiting\n"
        "root = Path(sys.argv[1])\n"
        "run_docker(waiting, {}, run_root=root, log=root / 'kfp.log', grace_seconds=2)\n"
    )
    caller = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "run")], cwd=ROOT)
    deadline = time.monotonic() + 60
    while not containers():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(caller.pid, signal.SIGTERM)
    assert caller.wait(timeout=30) == 128 + signal.SIGTERM
    assert containers() == []


@pytest.mark.usefixtures("engine")
def test_missing_image_is_a_user_error_that_says_how_to_build_it(
    tmp_path: Path, data_image: BuiltImage
) -> None:
    subprocess.run(["podman", "untag", data_image.id, data_image.tag], check=True)
    try:
        with pytest.raises(UserError, match="cannot be pulled; build it: python -m images.build data"):
            run(sample.talk, tmp_path / "run")
    finally:
        subprocess.run(["podman", "tag", data_image.id, data_image.tag], check=True)
