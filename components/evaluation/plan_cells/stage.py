"""Turns the list of models to evaluate into cells that are known to be scorable, before any GPU is asked for."""

import re
from collections.abc import Mapping
from typing import Literal

from components.evaluation.plan_cells.groups import GPU_COUNTS, IMPORTED, gpus_for, group_of
from themis_common.architectures import AUTO, architecture
from themis_common.architectures.checkpoint import checkpoint_in_dataset
from themis_common.architectures.detection import resolve_architecture
from themis_common.config import config, option
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.schemas import CELLS, MODEL_FILES
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole

_PATH_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
MODELS = "model/"


@config
class Cell:
    """One reward model to score."""

    id: str = option(help="short name of the cell; part of paths: letters, digits, dot, dash, underscore")
    architecture: str = option(
        default=AUTO,
        help="how the model is loaded and read out (`themis models`); auto: as the checkpoint shows",
    )
    model: str = option(
        default="", help="a task of this run that makes a model, or the location of a dataset of model files"
    )
    scores: str = option(
        default="", help="instead of a model, the location of a published scores.parquet to import"
    )
    prompt_mode: Literal["none", "all", "criterion"] = option(
        default="none", help="criteria named in the system prompt: none, all five, or the row's own"
    )
    gpus: int = option(
        default=0,
        help="GPUs of the pod that scores it: 1, 2, 4 or 8; 0: as many of 80 GB as hold it in 16 bit",
    )

    def __post_init__(self) -> None:
        if not _PATH_SAFE.fullmatch(self.id):
            raise ValueError(
                f"cell id {self.id!r} must be 1 to 63 letters, digits, dots, dashes or underscores and start with a "
                "letter or digit"
            )
        if self.gpus not in (0, *GPU_COUNTS):
            raise ValueError(
                f"cell {self.id}: gpus must be 1, 2, 4 or 8, or 0 to go by the model, found {self.gpus}"
            )
        if self.scores:
            if self.model or self.architecture != AUTO or self.prompt_mode != "none" or self.gpus:
                raise ValueError(
                    f"cell {self.id}: imported scores need nothing else; remove model, architecture, prompt_mode, gpus"
                )
            return
        reads_model = self.architecture == AUTO or architecture(self.architecture).needs_model
        if reads_model and not self.model:
            raise ValueError(f"cell {self.id}: architecture {self.architecture} needs a model; set it")
        if not reads_model and (self.model or self.prompt_mode != "none"):
            raise ValueError(
                f"cell {self.id}: architecture {self.architecture} reads no model and no prompt; remove model and "
                "prompt_mode"
            )


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


def _planned(cell: Cell, inputs: Mapping[str, DatasetReader]) -> dict[str, str]:
    """The columns of a cell's row; what is left open comes from the headers of its model's files."""
    if cell.scores:
        # under which prompts they were scored was not published
        return {"architecture": IMPORTED, "model": cell.scores, "prompt_mode": "", "group": IMPORTED}
    # the model as it was named: the location of a task's output differs between stores
    row = {"model": cell.model, "prompt_mode": cell.prompt_mode}
    if not cell.model:
        how = architecture(cell.architecture)
        return {**row, "architecture": how.name, "group": group_of(how.image, cell.gpus)}
    model = _open_model(cell, inputs)
    try:
        checkpoint = checkpoint_in_dataset(model)
        how = resolve_architecture(cell.architecture, checkpoint)
        gpus = cell.gpus or gpus_for(checkpoint)
    except UserError as error:
        raise UserError(f"cell {cell.id}: {error}") from error
    return {**row, "architecture": how.name, "group": group_of(how.image, gpus)}


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
    version=2,
    config=PlanCellsConfig,
    inputs={f"{MODELS}*": MODEL_FILES},
    optional=frozenset({f"{MODELS}*"}),
    output=CELLS,
    work=work,
    plan=plan_whole,
)
