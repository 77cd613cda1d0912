"""One imported cell as a task of a run; it leaves what a scored cell leaves, under the same name."""

from typing import Any

from components.evaluation.import_scores.stage import STAGE, ImportScoresConfig
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import CELLS
from themis_common.stages.task import DatasetRef, reporting_errors, run_in


def import_cell(*, run: str, task: str, cell: str, benchmark: str) -> dict[str, Any]:
    """Import the scores of the cell of that id, recorded as `<task>.<cell>` in the run folder.

    Args:
        benchmark: artifact file of the imported benchmark.

    Returns:
        Headline facts for the Kubeflow UI.
    """
    with reporting_errors(run, task) as folder:
        planned = {row["cell"]: row for row in DatasetReader(folder.uri_of("plan_cells"), CELLS).rows()}
        if cell not in planned:
            raise UserError(f"no cell {cell!r} is planned; start the run again")
        config = ImportScoresConfig(cell=cell, scores=planned[cell]["model"])
        uris = {"benchmark": DatasetRef.read(benchmark).uri}
        ref = run_in(folder, STAGE, f"{task}.{cell}", config, uris)
        return {"cell": cell, "pairs": ref.rows, "uri": ref.uri}
