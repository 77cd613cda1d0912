"""Evaluation without a pipeline: models and a benchmark in, the published files and a report out, in this process.

The stages, their configuration and the run folder are those of the evaluation pipeline, so finished cells are found
again, an interrupted cell goes on, and `themis explain`, `themis data` and `themis store gc` read what is left.

    DIR/scores.parquet, DIR/results.json  the published forms; of several models each in a folder of its own
    DIR/report                            the page with everything that the published forms leave out
"""

import errno
import fcntl
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
from components.evaluation.summarise.task import summarise_run
from pipelines.execute import check_writable
from pipelines.published_form import PublishedForm, write_published_form
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
_LOCK = ".lock"
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS}
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
    """What an evaluation left: the report, and the published files of every model by the name of its cell."""

    report: Report
    published: dict[str, PublishedForm]


def run_evaluation(request: EvaluationRequest, output: Path, show: Show) -> Evaluated:
    """Score every model, or find it scored; the first that cannot be scored ends the run.

    Raises:
        UserError: configuration, benchmark or a model are unusable, or another evaluation is at work in `output`.
    """
    root = output.absolute()
    check_writable(root)
    with _alone_in(root):
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
    for cell in cells:
        with _shown(f"score_benchmark.{cell}", show), _naming(cell):
            score_cell(run=run.uri, task="score_benchmark", cell=cell, benchmark=artifact)
    with _shown("summarise", show):
        summarise_run(run=run.uri, task="summarise")
    benchmark = run.uri_of("import_benchmark")
    published = {
        cell: write_published_form(
            run.uri_of(f"score_benchmark.{cell}"), benchmark, root / cell if len(cells) > 1 else root
        )
        for cell in cells
    }
    return Evaluated(write_report(run), published)


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
def _alone_in(root: Path) -> Iterator[None]:
    """Keeps other evaluations out of a run folder: they would put their plan and benchmark in place of this one's.

    The lock ends with the process, however that ends. Some file systems know no locks; nobody is kept out there.
    """
    with (root / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(
                f"--output: another evaluation is at work in {root}; wait for its end, or choose another folder"
            ) from error
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield


@contextmanager
def _naming(cell: str) -> Iterator[None]:
    """The user errors of a cell with its name: a store names its files by their content."""
    try:
        yield
    except UserError as error:
        raise UserError(f"cell {cell}: {error}") from error


@contextmanager
def _shown(task: str, show: Show) -> Iterator[None]:
    started = time.monotonic()
    yield
    show(TaskEvent(task=task, state="succeeded", seconds=time.monotonic() - started))
