"""Turns the list of models to evaluate into cells that are known to be scorable, before any GPU is asked for."""

import re
from collections.abc import Mapping
from typing import Literal

from themis_common.architectures import architecture
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
    architecture: str = option(help="how the model is loaded and read out (themis_common/architectures.py)")
    model: str = option(
        default="", help="a task of this run that makes a model, or the location of a dataset of model files"
    )
    prompt_mode: Literal["none", "all", "criterion"] = option(
        default="none", help="criteria named in the system prompt: none, all five, or the row's own"
    )

    def __post_init__(self) -> None:
        if not _PATH_SAFE.fullmatch(self.id):
            raise ValueError(
                f"cell id {self.id!r} must be 1 to 63 letters, digits, dots, dashes or underscores and start with a "
                "letter or digit"
            )
        if architecture(self.architecture).reads == "weights" and not self.model:
            raise ValueError(f"cell {self.id}: architecture {self.architecture} needs a model; set it")
        if architecture(self.architecture).reads == "texts" and (self.model or self.prompt_mode != "none"):
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
    """Write one row for each cell whose model is known to be there."""
    for cell in context.config.cells:
        key = row_key(cell.id)
        output.read([key])
        output.emit(
            {
                "row_key": key,
                "cell": cell.id,
                "architecture": cell.architecture,
                "model": _checked_model(cell, context.inputs) if cell.model else "",
                "prompt_mode": cell.prompt_mode,
            }
        )


def _checked_model(cell: Cell, inputs: Mapping[str, DatasetReader]) -> str:
    """The cell's model as it was named: not the location of a task's output, which differs between stores."""
    if MODELS + cell.model in inputs:
        return cell.model
    if "/" not in cell.model:
        known = ", ".join(name.removeprefix(MODELS) for name in inputs) or "none"
        raise UserError(
            f"cell {cell.id}: no task {cell.model!r} of this run made a model ({known}); name another or give the "
            "location of a dataset of model files"
        )
    try:
        DatasetReader(cell.model, MODEL_FILES)
    except UserError as error:
        raise UserError(f"cell {cell.id}: model: {error}") from error
    return cell.model


STAGE = Stage(
    name="evaluation.plan_cells",
    version=1,
    config=PlanCellsConfig,
    inputs={f"{MODELS}*": MODEL_FILES},
    optional=frozenset({f"{MODELS}*"}),
    output=CELLS,
    work=work,
    plan=plan_whole,
)
