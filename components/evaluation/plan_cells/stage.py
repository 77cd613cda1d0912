"""Turns the list of models to evaluate into cells that are known to be scorable, before any GPU is asked for."""

from collections.abc import Mapping

from components.evaluation.plan_cells.cell import Cell
from components.evaluation.plan_cells.groups import IMPORTED, copies_on, gpus_for, group_of
from themis_common.architectures.checkpoint import checkpoint_in_dataset
from themis_common.architectures.detection import resolve_architecture
from themis_common.config import config, option
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.schemas import CELLS, MODEL_FILES
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole
from themis_common.store import open_store

MODELS = "model/"


@config
class PlanCellsConfig:
    """The cells of a run, in the order in which they are planned."""

    cells: tuple[Cell, ...] = option(
        default_factory=lambda: (
            Cell(id="trained", architecture="seqcls", model="export_model", prompt_mode="criterion"),
            Cell(
                id="untrained",
                architecture="seqcls-random-head",
                model="prepare_base_model",
                prompt_mode="criterion",
            ),
            Cell(id="longer-response", architecture="longer-response"),
        ),
        help="the models to score: id, architecture, model, prompt_mode of each",
    )

    def __post_init__(self) -> None:
        if not self.cells:
            raise ValueError("cells is empty; name at least one model or baseline")
        seen: set[str] = set()
        for cell in self.cells:
            # Cell ids name folders, and not every file system tells upper case from lower.
            if cell.id.casefold() in seen:
                raise ValueError(f"cell id {cell.id!r} is used twice; ids must differ in more than case")
            seen.add(cell.id.casefold())


def work(context: Context[PlanCellsConfig], unit: str, output: UnitOutput) -> None:
    """Write one row for each cell whose model is there and is of the cell's architecture."""
    for cell in context.config.cells:
        key = row_key(cell.id)
        output.read([key])
        output.emit({"row_key": key, "cell": cell.id, **_planned(cell, context.inputs)})


def _planned(cell: Cell, inputs: Mapping[str, DatasetReader]) -> dict[str, str | int]:
    """The columns of a cell's row; what is left open comes from the headers of its model's files."""
    if cell.scores:
        folder, _, file = cell.scores.rpartition("/")
        if not open_store(folder or ".").exists(file):
            raise UserError(f"cell {cell.id}: scores: there is no file {cell.scores}; check the path")
        # under which prompts they were scored was not published
        return _row(cell, IMPORTED, IMPORTED, model=cell.scores, prompt_mode="")
    if not cell.model:
        # baselines and judges that are served elsewhere take no GPU here
        return _row(cell, cell.architecture, group_of("evaluate", 0))
    model = _open_model(cell, inputs)
    try:
        checkpoint = checkpoint_in_dataset(model)
        how = resolve_architecture(cell.architecture, checkpoint)
        gpus = cell.gpus or gpus_for(checkpoint, how)
    except UserError as error:
        raise UserError(f"cell {cell.id}: {error}") from error
    copies = copies_on(gpus, checkpoint, how)
    return _row(cell, how.name, group_of(how.image, gpus), replicas=copies)


def _row(cell: Cell, architecture: str, group: str, **others: str | int) -> dict[str, str | int]:
    # the model as it was named: the location of a task's output differs between stores
    named: dict[str, str | int] = {"model": cell.model, "prompt_mode": cell.prompt_mode}
    shape: dict[str, str | int] = {"group": group, "pods": cell.pods, "replicas": 1}
    return {"architecture": architecture, **named, **shape, **others}


def _open_model(cell: Cell, inputs: Mapping[str, DatasetReader]) -> DatasetReader:
    if MODELS + cell.model in inputs:
        return inputs[MODELS + cell.model]
    if "/" not in cell.model:
        known = ", ".join(name.removeprefix(MODELS) for name in inputs) or "none"
        raise UserError(
            f"cell {cell.id}: no task {cell.model!r} of this run made a model ({known}); name another or give the "
            "location of a dataset of model files"
        )
    try:
        return DatasetReader(cell.model, MODEL_FILES)
    except UserError as error:
        raise UserError(f"cell {cell.id}: model: {error}") from error


STAGE = Stage(
    name="evaluation.plan_cells",
    version=3,
    config=PlanCellsConfig,
    inputs={f"{MODELS}*": MODEL_FILES},
    optional=frozenset({f"{MODELS}*"}),
    output=CELLS,
    work=work,
    plan=plan_whole,
)
