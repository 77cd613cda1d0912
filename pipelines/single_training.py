"""Training without a pipeline: pairs in, a reward model out, stage after stage in this process.

The stages, their configuration and the run folder are those of the training pipeline, so finished work is found again,
interrupted work goes on, and `themis explain`, `themis data` and `themis store gc` read what is left.

    DIR/trained -> the model with both heads: where another training stage starts
    DIR/model   -> the reward model as a sequence classifier
    DIR/report  the page with the curves
"""

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from components.training.train_reward_model.rendezvous import read_rendezvous
from pipelines.execute import check_writable
from pipelines.run_lock import alone_in
from pipelines.runners.protocol import TaskEvent
from pipelines.settings import SHARED, TRAINING_STAGES, Resolved, resolve_tasks
from pipelines.tasks import ALL_TASKS, load_stage
from pipelines.training_plan.model_shape import PUBLISHED
from themis_common.config import check_key, fields_of
from themis_common.datasets.manifest import read_manifest
from themis_common.datasets.reader import FILES
from themis_common.errors import UserError
from themis_common.stages.task import CONFIG, DatasetRef, RunFolder, reporting_errors, run_in
from themis_common.store import open_store

TINY = "tiny"
TRAINED = "trained"
EXPORTED = "model"

Show = Callable[[TaskEvent], None]


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """What a person asks for.

    Attributes:
        recipe: name, path, or several joined by commas.
        overrides: `KEY=VALUE` texts; the key is a shared setting, `task.option`, or an option of the training task.
        data: a dataset of preference pairs, or plain parquet or JSONL of them; empty where only a plan is made.
        model: folder of the model to start from, or `tiny`; empty for what the recipe says.
    """

    recipe: str
    overrides: tuple[str, ...] = ()
    data: str = ""
    model: str = ""


@dataclass(frozen=True, kw_only=True)
class _Step:
    """One task; its inputs by name are outputs of earlier tasks, or else locations."""

    task: str
    inputs: Mapping[str, str]


def resolve_training(request: TrainingRequest) -> Resolved:
    """The configuration of all tasks that the request may take.

    Raises:
        UserError: as `pipelines.settings.resolve_tasks`.
    """
    asked = list(request.overrides)
    if request.model:
        asked.append(_setting("base_model", _absolute(request.model)))
    # which tasks there are is a setting itself
    kind = pairs_kind(resolve_tasks({}, request.recipe, _shared_ones(asked)))
    asked = [_qualified(text, f"train_{kind}") for text in asked]
    if request.data:
        asked.append(_setting(f"{kind}_pairs", request.data))
    tasks = ["import", "assemble", "prepare_base_model", "pack", "train", "export_model"]
    names = [task if task in ALL_TASKS else f"{task}_{kind}" for task in tasks]
    return resolve_tasks({name: ALL_TASKS[name] for name in names}, request.recipe, asked)


def pairs_kind(resolved: Resolved) -> str:
    """Which pairs are trained on: general or code."""
    return TRAINING_STAGES[resolved.shared["training_stage"].value]


def run_training(request: TrainingRequest, output: Path, show: Show) -> dict[str, DatasetRef]:
    """Run every task, or find it finished; the outputs by task.

    Raises:
        UserError: configuration, data or model are unusable, a task met a user error, or another run is at work in
            `output`.
    """
    resolved = resolve_training(request)
    check_base_model(resolved)
    root = output.absolute()
    check_writable(root)
    outputs = {}
    # the nodes of one run share its folder, and training itself keeps other runs out there
    with nullcontext() if read_rendezvous(os.environ, processes=1) else alone_in(root):
        for task, ref in _outputs(resolved, request.data, root, show):
            outputs[task] = ref
            link = {f"train_{pairs_kind(resolved)}": TRAINED, "export_model": EXPORTED}.get(task)
            if link:
                _link(root / link, Path(ref.uri) / FILES)
    return outputs


def run_until(last: str, request: TrainingRequest, folder: Path, show: Show) -> dict[str, DatasetRef]:
    """Run the tasks up to `last` in a run folder that the caller may remove; the outputs by task.

    Args:
        last: assemble or pack.

    Raises:
        UserError: as `run_training`.
    """
    outputs = {}
    for task, ref in _outputs(resolve_training(request), request.data, folder.absolute(), show):
        outputs[task] = ref
        if task.startswith(f"{last}_"):
            break
    return outputs


def check_base_model(resolved: Resolved) -> None:
    """Refuse a base model that is not on this machine before anything is computed for it.

    Raises:
        UserError: says how to get it.
    """
    found = resolved.shared["base_model"]
    if found.value == TINY or Path(found.value).is_dir():
        return
    if found.value in PUBLISHED:
        start = "what PT made of " if resolved.shared["training_stage"].value == "PM" else ""
        raise UserError(
            f"{found.source}: training starts from {start}{found.value}, which is fetched once: "
            f"hf download {found.value} --local-dir FOLDER; then pass --model FOLDER (PM: PT's output/{TRAINED})"
        )
    raise UserError(f"{found.source}: {found.value} is no folder; pass --model FOLDER, or --model {TINY}")


def is_dataset(location: str) -> bool:
    """Whether a finished dataset of ours is there."""
    return read_manifest(open_store(location)) is not None


def _outputs(resolved: Resolved, data: str, root: Path, show: Show) -> Iterator[tuple[str, DatasetRef]]:
    """Run task after task in the run folder `root`."""
    run = RunFolder(str(root))
    run.clear()
    document = resolved.document(store=open_store(root / "store").uri)
    run.store.write_bytes(CONFIG, (json.dumps(document, indent=1) + "\n").encode())
    outputs: dict[str, DatasetRef] = {}
    for step in _steps(resolved, data):
        started = time.monotonic()
        stage = load_stage(ALL_TASKS[step.task])
        uris = {
            name: outputs[source].uri if source in outputs else source for name, source in step.inputs.items()
        }
        with reporting_errors(run.uri, step.task) as folder:
            config = folder.stage_config(stage, step.task)
            outputs[step.task] = run_in(folder, stage, step.task, config, uris)
        show(TaskEvent(task=step.task, state="succeeded", seconds=time.monotonic() - started))
        yield step.task, outputs[step.task]


def _steps(resolved: Resolved, data: str) -> Iterator[_Step]:
    kind = pairs_kind(resolved)
    imported, pairs, packed, trained = (f"{name}_{kind}" for name in ("import", "assemble", "pack", "train"))
    if is_dataset(data):
        pairs = data
    else:
        yield _Step(task=imported, inputs={})
        yield _Step(task=pairs, inputs={"imported": imported})
    base = "prepare_base_model"
    # a tiny model's tokenizer learns from the pairs
    is_tiny = resolved.shared["base_model"].value == TINY
    yield _Step(task=base, inputs={f"pairs/{kind}": pairs} if is_tiny else {})
    yield _Step(task=packed, inputs={"pairs": pairs, "model": base})
    yield _Step(task=trained, inputs={"pairs": packed, "model": base})
    yield _Step(task="export_model", inputs={"model": trained})


def _link(link: Path, target: Path) -> None:
    """Make `link` lead to `target`, replacing an earlier link at once.

    Raises:
        UserError: something else has the name.
    """
    if link.exists() and not link.is_symlink():
        raise UserError(f"{link} is in the way of a link to the model; move it, or choose another output")
    fresh = link.with_name(f".{link.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(os.path.relpath(target, link.parent))
    fresh.replace(link)


def _shared_ones(overrides: Iterable[str]) -> list[str]:
    return [text for text in overrides if text.partition("=")[0] in SHARED]


def _qualified(override: str, task: str) -> str:
    """Options of the training task may go without its name."""
    own = {option.name for option in fields_of(load_stage(ALL_TASKS[task]).config)}
    key = override.partition("=")[0]
    check_key(key.partition(".")[0], [*SHARED, *ALL_TASKS, *own], where=f"--set {key}")
    return f"{task}.{override}" if key in own and key not in SHARED else override


def _setting(name: str, value: str) -> str:
    # JSON is YAML, whatever a path holds
    return f"{name}={json.dumps(value)}"


def _absolute(model: str) -> str:
    return model if model == TINY else str(Path(model).expanduser().absolute())
