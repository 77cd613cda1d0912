"""The dataset pipeline on the sample data gives the same rows in containers as in processes."""

from pathlib import Path

import pytest

from pipelines.execute import execute
from pipelines.sample_data import write_sample_data
from pipelines.tasks import PIPELINE_TASKS
from themis_common.stages.task import RunFolder

pytestmark = [pytest.mark.container, pytest.mark.slow]


def digests(runner: str, folder: Path) -> dict[str, str]:
    """Run the pipeline in a folder of its own; return each task's content digest."""
    sample = write_sample_data(folder / "sample")
    repositories = ", ".join(str(repository) for repository in sample.repositories)
    settings = [f"git_repos=[{repositories}]", f"general_pairs={sample.general_pairs}"]
    outcome = execute("dataset", "demo", settings, runner, folder)
    assert outcome.failure is None
    return {task: record["digest"] for task, record in RunFolder(str(folder)).tasks().items()}


@pytest.mark.usefixtures("engine")
def test_both_runners_agree_on_every_stage(tmp_path: Path) -> None:
    in_processes = digests("subprocess", tmp_path / "processes")
    in_containers = digests("docker", tmp_path / "containers")
    assert set(in_processes) == set(PIPELINE_TASKS["dataset"])
    assert in_containers == in_processes
