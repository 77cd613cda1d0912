"""One cell as a task of a run: the cell's row of the plan becomes configuration and inputs of the stage."""

import dataclasses
from typing import Any

from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.stage import STAGE
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import CELLS
from themis_common.stages.shares import OthersUnfinishedError, dealt
from themis_common.stages.task import DatasetRef, reporting_errors, run_in


def score_cell(*, run: str, task: str, cell: str, benchmark: str) -> dict[str, Any]:
    """Score a cell or a share of it; whoever finishes the cell records it as `<task>.<cell>` in the run folder.

    Args:
        cell: what the plan calls it: the cell's id, or that with a share.
        benchmark: artifact file of the imported benchmark.

    Returns:
        Headline facts for the Kubeflow UI.
    """
    with reporting_errors(run, task) as folder:
        name, share = dealt(cell)
        row = _planned(folder.uri_of("plan_cells"), name)
        config = dataclasses.replace(
            _on_gpus(folder.stage_config(STAGE, task), _gpus(row["group"]), row["replicas"]),
            cell=name,
            share=str(share),
            architecture=row["architecture"],
            prompt_mode=row["prompt_mode"],
        )
        uris = {"benchmark": DatasetRef.read(benchmark).uri}
        if row["model"]:
            uris["model"] = row["model"] if "/" in row["model"] else folder.uri_of(row["model"])
        try:
            ref = run_in(folder, STAGE, f"{task}.{name}", config, uris)
        except OthersUnfinishedError as waiting:
            return {"cell": cell, "waiting": str(waiting)}
        return {"cell": cell, "pairs": ref.rows, "uri": ref.uri}


def _gpus(group: str) -> int:
    """GPUs of the pod, from the group of the plan, which is `<image>_<gpus>`."""
    return int(group.rpartition("_")[2])


def _on_gpus(config: ScoreBenchmarkConfig, gpus: int, replicas: int) -> ScoreBenchmarkConfig:
    """Use all GPUs of the pod: for copies, and in each for the layers of a scalar model or the tensors of a judge."""
    if gpus <= 1:
        return config
    if config.dtype == "float32":
        # the plan may have counted with 16 bit
        replicas = max(1, replicas // 2)
    each = gpus // replicas
    return dataclasses.replace(
        config,
        # a machine may have more GPUs than the plan asks for
        replicas=max(replicas, config.replicas),
        placement="spread" if each > 1 else "one",
        judge=dataclasses.replace(config.judge, gpus=each),
    )


def _planned(cells: str, cell: str) -> dict[str, Any]:
    for row in DatasetReader(cells, CELLS).rows():
        if row["cell"] == cell:
            return row
    raise UserError(f"{cells} plans no cell {cell!r}; start the run again")
