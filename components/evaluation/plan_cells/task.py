"""Planning as a task of a run: cells may name the tasks that have made a model by then."""

from components.evaluation.plan_cells.stage import MODELS, STAGE
from themis_common.datasets.reader import DatasetReader
from themis_common.schemas import CELLS
from themis_common.stages.task import reporting_errors, run_in


def plan_run(*, run: str, task: str) -> list[str]:
    """Write the plan and return the ids of its cells, over which the pipeline loops."""
    with reporting_errors(run, task) as folder:
        finished = folder.tasks()
        config = folder.stage_config(STAGE, task)
        named = sorted({cell.model for cell in config.cells} & finished.keys())
        uris = {MODELS + model: finished[model]["uri"] for model in named}
        ref = run_in(folder, STAGE, task, config, uris)
        return [row["cell"] for row in DatasetReader(ref.uri, CELLS).rows()]
