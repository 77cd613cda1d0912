"""Importing as a task of a run: without a benchmark file, the code pairs that the run held out are the benchmark."""

from typing import Any

from components.evaluation.import_benchmark.stage import STAGE
from themis_common.stages.task import hand_on, reporting_errors, run_in


def import_in_run(*, run: str, task: str, artifact: str) -> dict[str, Any]:
    """Import the benchmark and return the artifact's metadata for the Kubeflow UI."""
    with reporting_errors(run, task) as folder:
        config = folder.stage_config(STAGE, task)
        pairs = folder.tasks().get("assemble_code")
        uris = {"pairs": pairs["uri"]} if pairs and not config.benchmark else {}
        return hand_on(run_in(folder, STAGE, task, config, uris), artifact)
