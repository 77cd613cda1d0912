"""The gate of an evaluation: statistics over what the cells left, and failure where a cell left nothing."""

from typing import Any

from components.evaluation.summarise.stage import SCORES_INPUT, STAGE
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import CELLS
from themis_common.stages.task import DatasetRef, reporting_errors, run_in


def summarise_scored(*, run: str, task: str) -> tuple[DatasetRef, list[str]]:
    """Write the statistics of all cells with scores; the planned cells that have none are returned with them."""
    with reporting_errors(run, task) as folder:
        finished = folder.tasks()
        cells = folder.uri_of("plan_cells")
        uris = {"cells": cells, "benchmark": folder.uri_of("import_benchmark")}
        missing = []
        for row in DatasetReader(cells, CELLS).rows():
            record = finished.get(f"score_benchmark.{row['cell']}")
            if record is None:
                missing.append(row["cell"])
            else:
                uris[SCORES_INPUT + row["cell"]] = record["uri"]
        return run_in(folder, STAGE, task, folder.stage_config(STAGE, task), uris), missing


def summarise_run(*, run: str, task: str) -> dict[str, Any]:
    """Write the statistics of all cells with scores, then fail if a planned cell has none.

    Returns:
        Headline facts for the Kubeflow UI.

    Raises:
        UserError: names the cells without scores; their statistics are missing, those of the others are written.
    """
    with reporting_errors(run, task):
        ref, missing = summarise_scored(run=run, task=task)
        if missing:
            raise UserError(
                f"cells without scores: {', '.join(missing)}; mend what their score_benchmark tasks say and start the "
                "run again (finished cells are not scored twice)"
            )
        return {"uri": ref.uri, "rows": ref.rows}
