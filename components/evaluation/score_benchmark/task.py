"""One cell as a task of a run: the cell's row of the plan becomes configuration and inputs of the stage."""

import dataclasses
from typing import Any

from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.stage import STAGE
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import CELLS
from themis_common.stages.task import DatasetRef, reporting_errors, run_in


def score_cell(*, run: str, task: str, cell: str, benchmark: str) -> dict[str, Any]:
    """Score the cell of that id, recorded as `<task>.<cell>` in the run folder.

    Args:
        benchmark: artifact file of the imported benchmark.

    Returns:
        Headline facts for the Kubeflow UI.
    """
    with reporting_errors(run, task) as folder:
        row = _planned(folder.uri_of("plan_cells"), cell)
        config = dataclasses.replace(
            _on_gpus(folder.stage_config(STAGE, task), _gpus(row["group"])),
            cell=cell,
            architecture=row["architecture"],
            prompt_mode=row["prompt_mode"],
        )
        uris = {"benchmark": DatasetRef.read(benchmark).uri}
        if row["model"]:
            uris["model"] = row["model"] if "/" in row["model"] else folder.uri_of(row["model"])
        ref = run_in(folder, STAGE, f"{task}.{cell}", config, uris)
        return {"cell": cell, "pairs": ref.rows, "uri": ref.uri}


def _gpus(group: str) -> int:
    """GPUs of the pod, from the group of the plan, which is `<image>_<gpus>`."""
    return int(group.rpartition("_")[2])


def _on_gpus(config: ScoreBenchmarkConfig, gpus: int) -> ScoreBenchmarkConfig:
    """Use all GPUs of the pod: for the layers of a scalar model, for the tensors of a judge."""
    if gpus <= 1:
        return config
    return dataclasses.replace(config, placement="spread", judge=dataclasses.replace(config.judge, gpus=gpus))


def _planned(cells: str, cell: str) -> dict[str, Any]:
    for row in DatasetReader(cells, CELLS).rows():
        if row["cell"] == cell:
            return row
    raise UserError(f"{cells} plans no cell {cell!r}; start the run again")
