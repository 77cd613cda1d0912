"""The last numbers of a finished training task, for the Kubeflow UI."""

from themis_common.datasets.reader import DatasetReader
from themis_common.schemas import MODEL_FILES, TRAINING_METRICS
from themis_common.stages.task import DatasetRef
from themis_common.taxonomy import Criterion

_ALL = "all"
_OVER_ALL = (
    "loss/total",
    "loss/bt",
    "loss/lm",
    "reward/accuracy",
    "held_out/accuracy",
    "held_out/margin",
    "held_out/lm",
)


def last_metrics(artifact: str) -> dict[str, float]:
    """Last values, rounded to what a table shows; held-out accuracy for each criterion that has pairs.

    Args:
        artifact: file of the task's output artifact.
    """
    wanted = {(metric, _ALL): metric for metric in _OVER_ALL}
    wanted |= {("held_out/accuracy", member.key): f"held_out/accuracy/{member.key}" for member in Criterion}
    reader = DatasetReader(DatasetRef.read(artifact).uri, MODEL_FILES)
    last: dict[str, tuple[int, float]] = {}
    for row in reader.side_rows("metrics", TRAINING_METRICS):
        name = wanted.get((row["metric"], row["slice"]))
        if name is not None and row["step"] >= last.get(name, (0, 0.0))[0]:
            last[name] = row["step"], row["value"]
    return {name: round(last[name][1], 4) for name in wanted.values() if name in last}
