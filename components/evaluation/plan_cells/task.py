"""Planning as a task of a run: cells may name the tasks that have made a model by then."""

from collections.abc import Mapping

from components.evaluation.plan_cells.groups import GROUPS
from components.evaluation.plan_cells.stage import MODELS, STAGE
from themis_common.datasets.reader import DatasetReader
from themis_common.schemas import CELLS
from themis_common.stages.shares import deal
from themis_common.stages.task import reporting_errors, run_in


def plan_run(*, run: str, task: str) -> dict[str, str]:
    """Write the plan and return the group of every cell, by the cell's id, or by its shares where pods share it."""
    with reporting_errors(run, task) as folder:
        finished = folder.tasks()
        config = folder.stage_config(STAGE, task)
        named = sorted({cell.model for cell in config.cells} & finished.keys())
        uris = {MODELS + model: finished[model]["uri"] for model in named}
        ref = run_in(folder, STAGE, task, config, uris)
        return {
            share: row["group"]
            for row in DatasetReader(ref.uri, CELLS).rows()
            for share in deal(row["cell"], row["pods"])
        }


def cells_by_group(cells: Mapping[str, str]) -> tuple[list[str], ...]:
    """The cells of each group, or their shares, over which a loop of the pipeline goes; in the order of `GROUPS`."""
    return tuple([cell for cell, group in cells.items() if group == wanted] for wanted in GROUPS)
