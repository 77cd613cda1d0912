"""What a finished training run has left."""

import json

from components.training.train_reward_model.job import METRICS, SPEED, Job


def outputs(job: Job) -> dict[str, bytes]:
    """The files of the output folder by their names."""
    return {
        path.relative_to(job.output).as_posix(): path.read_bytes()
        for path in job.output.rglob("*")
        if path.is_file() and path.name != SPEED
    }


def metrics(job: Job, name: str) -> list[float]:
    """The values of a metric over all pairs, step by step."""
    lines = (job.output / METRICS).read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    return [row["value"] for row in rows if row["metric"] == name and row["slice"] == "all"]
