"""From a recipe, data and hardware to a plan: what `themis train --plan` asks for."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from components.training.train_reward_model.config import TrainRewardModelConfig
from pipelines.recipes.reading import recipe_names
from pipelines.settings import Resolved
from pipelines.single_training import (
    TINY,
    Show,
    TrainingRequest,
    is_dataset,
    pairs_kind,
    resolve_training,
    run_until,
)
from pipelines.training_plan.hardware import GPUS, kind_with, parse_memory
from pipelines.training_plan.model_shape import ModelShape, shape_of
from pipelines.training_plan.pair_lengths import (
    PairLengths,
    estimated_lengths,
    measured_lengths,
    published_lengths,
)
from pipelines.training_plan.plan import Hardware, TrainingPlan, plan_training
from themis_common.config import check_key, load_config
from themis_common.datasets.manifest import DATA, read_manifest
from themis_common.datasets.reader import FILES, DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import PAIRS, TOKENISED_PAIRS
from themis_common.store import open_store

_DEFAULT_KIND = "h100"
_LENGTH_COLUMNS = ("prefix_ids", "chosen_ids", "rejected_ids", "prompt_tokens", "split")


@dataclass(frozen=True, kw_only=True)
class HardwareRequest:
    """What a person says of the hardware; None and empty for what recipe and kind of GPU say.

    Attributes:
        gpus: over all machines.
        gpu: a name of `GPUS`; else the kind that has `memory`.
        memory: of each GPU, like 24G.
        host_memory: that a machine has for each of its GPUs.
        utilisation: share of the FLOP/s that executed FLOPs reach.
        price: of a GPU for an hour.
    """

    gpus: int | None = None
    gpu: str = ""
    memory: str = ""
    host_memory: str = ""
    utilisation: float = 0.4
    price: float | None = None


def make_plan(request: TrainingRequest, asked: HardwareRequest, show: Show) -> TrainingPlan:
    """Plan what `themis train` would do for the request.

    Lengths are measured where the data and a tokenizer are there, which takes seconds to minutes; else estimated.

    Raises:
        UserError: an unknown recipe, model or GPU, or unusable data.
    """
    resolved = resolve_training(request)
    hardware = _hardware(asked, resolved)
    if request.data:
        shape, lengths = _with_data(request, resolved, show)
    elif _base_model(resolved) == TINY:
        raise UserError(
            "base_model is tiny, which is made of the pairs: pass --data, or --model FOLDER, or take a recipe of a size"
        )
    else:
        shape, lengths = shape_of(_base_model(resolved)), _published(resolved)
    return plan_training(_base_model(resolved), shape, lengths, _training(resolved), hardware)


def published_plans(asked: HardwareRequest) -> Iterator[tuple[str, TrainingPlan]]:
    """The plans of all recipes that train one stage of a published model."""
    for name in recipe_names():
        resolved = resolve_training(TrainingRequest(recipe=name))
        settings = ("training_stage", "base_model", "gpus")
        if all(resolved.shared[setting].source != "default" for setting in settings):
            base = _base_model(resolved)
            hardware = _hardware(asked, resolved)
            yield (
                name,
                plan_training(base, shape_of(base), _published(resolved), _training(resolved), hardware),
            )


def _hardware(asked: HardwareRequest, resolved: Resolved) -> Hardware:
    if not 0 < asked.utilisation <= 1:
        raise UserError(f"--mfu {asked.utilisation}: write a share above 0 and up to 1, like 0.4")
    memory = parse_memory(asked.memory, "--memory") if asked.memory else 0
    kind = asked.gpu or (kind_with(memory) if memory else _DEFAULT_KIND)
    check_key(kind, GPUS, where="--gpu")
    gpu = GPUS[kind]
    return Hardware(
        gpus=asked.gpus or resolved.shared["gpus"].value,
        kind=kind,
        memory=memory or gpu.memory,
        host_memory=parse_memory(asked.host_memory, "--host-memory")
        if asked.host_memory
        else gpu.host_memory,
        flops=gpu.flops,
        utilisation=asked.utilisation,
        price=asked.price,
    )


def _with_data(request: TrainingRequest, resolved: Resolved, show: Show) -> tuple[ModelShape, PairLengths]:
    base = _base_model(resolved)
    if _table(request.data) == TOKENISED_PAIRS.name:
        return shape_of(base), _measured(request.data, f"measured on {request.data}")
    with tempfile.TemporaryDirectory(prefix="themis-") as scratch:
        kind = pairs_kind(resolved)
        if base != TINY and not Path(base).is_dir():
            return shape_of(base), _estimated(request, resolved, Path(scratch), show)
        outputs = run_until("pack", request, Path(scratch), show)
        lengths = _measured(outputs[f"pack_{kind}"].uri, f"measured on {request.data}")
        return shape_of(f"{outputs['prepare_base_model'].uri}/{FILES}"), lengths


def _measured(uri: str, source: str) -> PairLengths:
    return measured_lengths(DatasetReader(uri, TOKENISED_PAIRS).batches(columns=_LENGTH_COLUMNS), source)


def _estimated(request: TrainingRequest, resolved: Resolved, scratch: Path, show: Show) -> PairLengths:
    kind = pairs_kind(resolved)
    pairs = request.data
    if not is_dataset(pairs):
        pairs = run_until("assemble", request, scratch, show)[f"assemble_{kind}"].uri
    source = f"estimated from the bytes of {request.data}; with --model FOLDER they are measured"
    return estimated_lengths(DatasetReader(pairs, PAIRS).rows(), _max_tokens(resolved), source)


def _table(location: str) -> str | None:
    """The schema of the dataset there, if one is."""
    manifest = read_manifest(open_store(location))
    return manifest.tables[DATA].schema if manifest else None


def _published(resolved: Resolved) -> PairLengths:
    return published_lengths(resolved.shared["training_stage"].value, _max_tokens(resolved))


def _base_model(resolved: Resolved) -> str:
    return str(resolved.shared["base_model"].value)


def _max_tokens(resolved: Resolved) -> int:
    return int(resolved.tasks[f"pack_{pairs_kind(resolved)}"]["max_tokens"].value)


def _training(resolved: Resolved) -> TrainRewardModelConfig:
    task = f"train_{pairs_kind(resolved)}"
    values = {name: value.value for name, value in resolved.tasks[task].items()}
    return load_config(TrainRewardModelConfig, values, where=task)
