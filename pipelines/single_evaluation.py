"""Evaluation without a pipeline: models and a benchmark in, the published files and a report out, in this process.

The stages, their configuration and the run folder are those of the evaluation pipeline, so finished cells are found
again, an interrupted cell goes on, and `themis explain`, `themis data` and `themis store gc` read what is left.

    DIR/scores.parquet, DIR/results.json  the published forms; of several models each in a folder of its own
    DIR/report                            the page with everything that the published forms leave out
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.evaluation.import_benchmark.task import import_in_run
from components.evaluation.import_model.stage import STAGE as IMPORT_MODEL
from components.evaluation.import_model.stage import ImportModelConfig
from components.evaluation.plan_cells.task import plan_run
from components.evaluation.score_benchmark.task import score_cell
from components.evaluation.summarise.task import summarise_scored
from pipelines.execute import check_writable
from pipelines.published_form import PublishedForm, write_published_form
from pipelines.run_lock import alone_in
from pipelines.runners.protocol import TaskEvent
from pipelines.settings import resolve
from themis_common.architectures import ARCHITECTURES, AUTO, architecture
from themis_common.datasets.manifest import MANIFEST
from themis_common.errors import UserError
from themis_common.hub import fetch_hub_folder, hub_source
from themis_common.report.model import Report
from themis_common.report.run.write import write_report
from themis_common.stages.task import CONFIG, RunFolder, reporting_errors, run_in
from themis_common.store import open_store

_RECIPE = "local"
_DATA_FILES = ("*.json", "*.jinja", "*.safetensors", "merges.txt", "tokenizer.model")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME = 63

Show = Callable[[TaskEvent], None]


@dataclass(frozen=True, kw_only=True)
class EvaluationRequest:
    """What a person asks for.

    Attributes:
        benchmark: file, folder, location in a store, or `OWNER/NAME@COMMIT[:PATH]` on the hub.
        models: folders, datasets of model files, or `OWNER/NAME@COMMIT` on the hub; none for a baseline.
        architecture: of all models.
        settings: values of settings by key, as `--set` takes them.
        overrides: `KEY=VALUE` texts, which win.
    """

    benchmark: str
    models: tuple[str, ...] = ()
    architecture: str = AUTO
    prompt_mode: str = "none"
    settings: Mapping[str, Any] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation left.

    Attributes:
        published: the published files of every scored model, by the name of its cell.
        user_errors: one line for each model that could not be scored, which only the user can mend.
    """

    report: Report
    published: dict[str, PublishedForm]
    user_errors: tuple[str, ...]


def run_evaluation(request: EvaluationRequest, output: Path, show: Show) -> Evaluated:
    """Score every model, or find it scored; one that cannot be scored leaves a gap in the report.

    Raises:
        UserError: configuration, benchmark or the folder of a model are unusable, so that nothing was scored, or
            another run is at work in `output`.
    """
    root = output.absolute()
    check_writable(root)
    with alone_in(root):
        return _run_in(root, request, show)


def _run_in(root: Path, request: EvaluationRequest, show: Show) -> Evaluated:
    run = RunFolder(str(root))
    run.clear()
    models = {_name(model): model for model in request.models}
    if len(models) < len(request.models):
        raise UserError("two models have the same name; put one into a folder of another name")
    document = _configuration(request, models, str(root / "store"))
    run.store.write_bytes(CONFIG, (json.dumps(document, indent=1) + "\n").encode())
    artifact = str(root / "artifacts" / "import_benchmark.json")
    with _shown("import_benchmark", show):
        import_in_run(run=run.uri, task="import_benchmark", artifact=artifact)
    for name, model in models.items():
        if not _is_dataset(model):
            with _shown(_import_task(name), show):
                _import_model(run.uri, _import_task(name), model)
    with _shown("plan_cells", show):
        cells = list(plan_run(run=run.uri, task="plan_cells"))
    errors = {cell: _score(run.uri, cell, artifact, show) for cell in cells}
    with _shown("summarise", show):
        summarise_scored(run=run.uri, task="summarise")
    benchmark = run.uri_of("import_benchmark")
    published = {
        cell: write_published_form(
            run.uri_of(f"score_benchmark.{cell}"), benchmark, root / cell if len(cells) > 1 else root
        )
        for cell in cells
        if not errors[cell]
    }
    lines = (f"cell {cell}: {error}" for cell, error in errors.items() if error)
    return Evaluated(write_report(run), published, tuple(lines))


def _score(run: str, cell: str, benchmark: str, show: Show) -> str:
    """Score a cell, or say what keeps it from being scored, which the report finds in the run folder."""
    task = f"score_benchmark.{cell}"
    started = time.monotonic()
    try:
        with _shown(task, show):
            score_cell(run=run, task="score_benchmark", cell=cell, benchmark=benchmark)
    except UserError as error:
        # the error itself would hold on to the model
        line, seconds = str(error), time.monotonic() - started
        show(TaskEvent(task=task, state="failed", text=line, user_error=True, seconds=seconds))
        return line
    return ""


def _configuration(request: EvaluationRequest, models: Mapping[str, str], store: str) -> dict[str, Any]:
    """The configuration of the run, as `themis run evaluation` would resolve it."""
    if request.architecture != AUTO:
        try:
            architecture(request.architecture)
        except UserError as error:
            raise UserError(f"--architecture: {error}") from error
    cells: list[dict[str, Any]] = [
        {
            "id": name,
            "architecture": request.architecture,
            "model": _location(model) if _is_dataset(model) else _import_task(name),
            "prompt_mode": request.prompt_mode,
        }
        for name, model in models.items()
    ]
    if not cells:
        if request.architecture == AUTO:
            raise UserError("--model is missing; name a model, or a baseline with --architecture")
        how = {"architecture": request.architecture, "prompt_mode": request.prompt_mode}
        cells = [{"id": request.architecture, **how}]
    settings = {"benchmark": request.benchmark, "plan_cells.cells": cells, **request.settings}
    # JSON is YAML, whatever a path holds
    overrides = [f"{key}={json.dumps(value)}" for key, value in settings.items()]
    return resolve("evaluation", _RECIPE, [*overrides, *request.overrides]).document(open_store(store).uri)


def _import_task(name: str) -> str:
    return f"import_model.{name}"


def _import_model(run: str, task: str, model: str) -> None:
    with reporting_errors(run, task) as folder:
        config = ImportModelConfig(model=str(_folder(model)))
        run_in(folder, IMPORT_MODEL, task, config, {})


def _folder(model: str) -> Path:
    """The folder of a model, which the hub may have to give first."""
    source = hub_source(model)
    if source is None:
        folder = Path(model).expanduser().absolute()
        if not folder.is_dir():
            raise UserError(
                f"--model: {model} is no folder; a model of the Hugging Face hub is written OWNER/NAME@COMMIT"
            )
        return folder
    if source.path:
        raise UserError(f"{model}: a model is a whole repository; write {source.repo}@{source.revision}")
    heads = [file for row in ARCHITECTURES.values() if row.readout for file, _ in row.readout.pickles]
    folder = fetch_hub_folder(source, "model", [*_DATA_FILES, *heads])
    if not any(folder.glob("*.safetensors")):
        fetch_hub_folder(source, "model", ["pytorch_model*.bin"])
    return folder


def _is_dataset(model: str) -> bool:
    return "://" in model or (Path(model) / MANIFEST).is_file()


def _location(model: str) -> str:
    return model if "://" in model else str(Path(model).absolute())


def _name(model: str) -> str:
    """What the cell of a model is called: the last part of its path, or its name on the hub."""
    source = hub_source(model)
    last = source.repo.partition("/")[2] if source else Path(_location(model)).name
    return _NOT_IN_NAMES.sub("-", last).lstrip("._-")[:_MAX_NAME] or "model"


@contextmanager
def _shown(task: str, show: Show) -> Iterator[None]:
    started = time.monotonic()
    yield
    show(TaskEvent(task=task, state="succeeded", seconds=time.monotonic() - started))
