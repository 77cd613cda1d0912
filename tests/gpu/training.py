"""Item 2: training side by side, whole optimiser steps on the same pairs (facts/training_peers.md section 5.2).

Before a side is timed, its gradients on a few pairs are compared with those of our plain layers; a side that computes
something else is an error and no row. Groups are processes: what Liger changes, it changes for a whole process.
"""

import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from safetensors.torch import load_file, save_file
from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.trainer import Trainer
from tests.benchmarks.reference_trainer import MICRO_BATCH
from tests.benchmarks.unshared_packing import pack_without_sharing
from tests.gpu.cases import SKIPPED, Case, Group, Values
from tests.gpu.comparison import (
    Layout,
    SetName,
    Setting,
    classifier_folder,
    executed_flops,
    limit_flops,
    setting,
)
from tests.gpu.device_clock import forget, peak_gib, synchronised
from tests.gpu.job_files import make_job, only_rank, training_config
from tests.gpu.measured_trainer import (
    StepClock,
    Timing,
    UnsharedTrainer,
    gradients_of_ours,
    time_trainer,
)
from tests.gpu.padded_side import PaddedTrainer
from tests.gpu.scale import Scale
from tests.gpu.sketch import Sketch, relative_error, sketch_of
from tests.gpu.trl_side import TrlSide, why_no_trl
from themis_common.modeling.packing import pack_pairs

Objective = Literal["full", "reward only"]
_OBJECTIVES: dict[Objective, dict[str, float]] = {
    "full": {},
    "reward only": {"lm_weight": 0.0, "magnitude_weight": 0.0},
}
_COMPARED_PAIRS = 8
_PROFILED = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One way to train.

    Attributes:
        layout: of the pairs in memory.
        pack: tokens of a pack, for packed layouts.
        compared: whether gradients are compared before timing.
        system_texts: whether most prompts begin with one system text, which a pack then computes once.
        pad_to: packs are filled up to a multiple of this many tokens, so that few lengths occur.
    """

    scale: Scale
    size: str
    kernels: str
    pack: int
    layout: Layout = "shared"
    objective: Objective = "full"
    pairs: SetName = "PM"
    recompute: Literal["none", "layer"] = "none"
    micro_batch: int = MICRO_BATCH
    compared: bool = False
    system_texts: bool = False
    pad_to: int = 1

    @property
    def config(self) -> TrainRewardModelConfig:
        """The trainer's options."""
        return training_config(
            self.scale,
            kernels=self.kernels,
            max_tokens_per_pack=self.pack,
            pad_packs_to=self.pad_to,
            recompute=self.recompute,
            global_batch=self.scale.models[self.size].pairs_per_step,
            **_OBJECTIVES[self.objective],
        )

    def setting(self, workspace: Path) -> Setting:
        """What it computes on."""
        return setting(self.scale, self.size, workspace, self.pairs, with_preamble=self.system_texts)


def groups(scale: Scale) -> list[Group]:
    """For each size what targets are set for, with the kernels that are compared and with others; then the rest."""
    found = []
    for size in scale.models:
        found += [
            Group(f"training/{size}/main", _main_cases(scale, size)),
            Group(f"training/{size}/other", _other_cases(scale, size)),
        ]
    return [*found, *(Group(f"training/{size}/more", _more_cases(scale, size)) for size in scale.models)]


def _main_cases(scale: Scale, size: str) -> dict[str, Case]:
    ours = Side(
        scale=scale, size=size, kernels=scale.kernels, pack=scale.models[size].packs[0], compared=True
    )
    cases: dict[str, Case] = {
        "ours": partial(_time_ours, ours),
        "reference": partial(_time_padded, replace(ours, layout="padded", recompute="layer")),
        "ours, sharing off": partial(_time_ours, replace(ours, layout="unshared")),
        "ours, reward only": partial(_time_ours, replace(ours, objective="reward only")),
        "profile": partial(_profile_ours, ours),
    }
    return {f"training/{size}/{name}": case for name, case in cases.items()}


def _more_cases(scale: Scale, size: str) -> dict[str, Case]:
    first, *others = scale.models[size].packs
    ours = Side(scale=scale, size=size, kernels=scale.kernels, pack=first)
    reference = replace(ours, layout="padded", recompute="layer")
    cases: dict[str, Case] = {
        **{f"ours, packs of {pack}": partial(_time_ours, replace(ours, pack=pack)) for pack in others},
        "ours, few lengths of packs": partial(_time_ours, replace(ours, pad_to=first // 32)),
        "ours, recompute layer": partial(_time_ours, replace(ours, recompute="layer")),
        "ours, system texts shared": partial(_time_ours, replace(ours, system_texts=True)),
        "reference without recompute": partial(_time_padded, replace(reference, recompute="none")),
        "ours, PT": partial(_time_ours, replace(ours, pairs="PT")),
        "reference, PT": partial(_time_padded, replace(reference, pairs="PT")),
        "ours, sharing off, PT": partial(_time_ours, replace(ours, layout="unshared", pairs="PT")),
    }
    return {f"training/{size}/{name}": case for name, case in cases.items()}


def _other_cases(scale: Scale, size: str) -> dict[str, Case]:
    ours = Side(scale=scale, size=size, kernels="plain", pack=scale.models[size].packs[0], compared=True)
    trl = replace(ours, layout="padded together", objective="reward only", recompute="layer")
    cases: dict[str, Case] = {
        "TRL, micro-batch 4": partial(_time_trl, trl),
        "ours, plain layers": partial(_time_ours, ours),
        "TRL, micro-batch 8": partial(_time_trl, replace(trl, micro_batch=8)),
    }
    if scale.device.type == "cuda":
        cases["ours, torch.compile"] = partial(_time_ours, replace(ours, kernels="compile"))
    return {f"training/{size}/{name}": case for name, case in cases.items()}


def _time_ours(side: Side, workspace: Path) -> Values:
    setting_ = side.setting(workspace)
    kind: type[Trainer] = Trainer if side.layout == "shared" else UnsharedTrainer
    pack = pack_pairs if side.layout == "shared" else pack_without_sharing
    if side.compared:
        _make_exact(side.scale, side.size, workspace)
    with tempfile.TemporaryDirectory() as scratch, only_rank(side.config) as ranks:
        job = make_job(Path(scratch) / "job", setting_.folder, setting_.pairs, side.config)
        error = None
        if side.compared:
            compared = setting_.pairs[:_COMPARED_PAIRS]
            error = _check(side, workspace, gradients_of_ours(job, ranks, compared, pack))
        clock = StepClock(device=ranks.device, warm=side.scale.warm_steps, steps=side.scale.steps)
        timing = time_trainer(kind, job, ranks, clock)
    return _values(side, setting_, timing, error)


def _time_padded(side: Side, workspace: Path) -> Values:
    setting_ = side.setting(workspace)
    warm = side.scale.warm_steps
    if side.compared:
        _make_exact(side.scale, side.size, workspace)
    error = None
    with only_rank(side.config) as ranks:
        forget(ranks.device)
        trainer = PaddedTrainer(setting_.folder, side.config, ranks)
        if side.compared:
            trainer.backward(setting_.pairs[:_COMPARED_PAIRS])
            error = _check(side, workspace, sketch_of(trainer.named_parameters()))
            trainer.model.zero_grad()
        batches = [[setting_.pairs[number] for number in batch] for batch in setting_.batches(side.config)]
        for batch in batches[:warm]:
            trainer.step(batch)
        start = synchronised(ranks.device)
        for batch in batches[warm:]:
            trainer.step(batch)
        timing = Timing(seconds=synchronised(ranks.device) - start, peak_gib=peak_gib(ranks.device))
    return _values(side, setting_, timing, error)


def _time_trl(side: Side, workspace: Path) -> Values:
    if missing := why_no_trl():
        return {SKIPPED: missing}
    setting_ = side.setting(workspace)
    if side.compared:
        _make_exact(side.scale, side.size, workspace)
    order = [number for batch in setting_.batches(side.config) for number in batch]
    pairs = [setting_.pairs[number] for number in order]
    trl = TrlSide(classifier_folder(setting_), pairs, side.config, side.scale, side.micro_batch)
    error = None
    if side.compared:
        error = _check(side, workspace, trl.gradients(setting_.pairs[:_COMPARED_PAIRS]))
    return _values(side, setting_, trl.time(), error)


def _profile_ours(side: Side, workspace: Path) -> Values:
    """The kernels, or on a CPU the operators, in which one step spends its time."""
    setting_ = side.setting(workspace)
    on_gpu = side.scale.device.type == "cuda"
    profiler = profile(activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU])
    toggles = iter((profiler.start, profiler.stop))

    def toggle() -> None:
        next(toggles)()

    with tempfile.TemporaryDirectory() as scratch, only_rank(side.config) as ranks:
        job = make_job(Path(scratch) / "job", setting_.folder, setting_.pairs, side.config)
        clock = StepClock(device=ranks.device, warm=side.scale.warm_steps, steps=1, between=toggle)
        timing = time_trainer(Trainer, job, ranks, clock)
    wanted = DeviceType.CUDA if on_gpu else DeviceType.CPU
    spent: dict[str, tuple[float, int]] = {
        event.key: (
            (event.self_device_time_total if on_gpu else event.self_cpu_time_total) / 1e3,
            event.count,
        )
        for event in profiler.key_averages()
        if event.device_type == wanted
    }
    busy = sum(milliseconds for milliseconds, _ in spent.values())
    top = sorted(spent.items(), key=lambda item: -item[1][0])[:_PROFILED]
    return {
        "size": side.size,
        "busy ms": busy,
        "wall ms": 1e3 * timing.seconds,
        "lines": [
            {"name": name[:100], "ms": milliseconds, "calls": calls, "share": milliseconds / busy}
            for name, (milliseconds, calls) in top
        ],
    }


def _make_exact(scale: Scale, size: str, workspace: Path) -> None:
    """Sketch the gradients of plain layers, for all objectives, before anything else changes this process."""
    for objective in _OBJECTIVES:
        file = _exact_file(workspace, size, objective)
        if file.exists():
            continue
        side = Side(
            scale=scale, size=size, kernels="plain", pack=scale.models[size].packs[0], objective=objective
        )
        setting_ = side.setting(workspace)
        with tempfile.TemporaryDirectory() as scratch, only_rank(side.config) as ranks:
            job = make_job(Path(scratch) / "job", setting_.folder, setting_.pairs, side.config)
            save_file(gradients_of_ours(job, ranks, setting_.pairs[:_COMPARED_PAIRS]), file)


def _exact_file(workspace: Path, size: str, objective: Objective) -> Path:
    return workspace / f"gradients-{size}-{objective.replace(' ', '-')}.safetensors"


def _check(side: Side, workspace: Path, found: Sketch) -> float:
    """The relative error of gradients.

    Raises:
        ValueError: it is no rounding error.
    """
    exact = load_file(_exact_file(workspace, side.size, side.objective))
    error = relative_error(exact, found)
    if not error <= side.scale.gradient_tolerance:
        raise ValueError(
            f"gradients differ by {error:.3g} from those of plain layers (at most {side.scale.gradient_tolerance})"
        )
    return error


def _values(side: Side, setting_: Setting, timing: Timing, error: float | None) -> Values:
    batches = setting_.batches(side.config)[side.scale.warm_steps :]
    lengths = [setting_.lengths[number] for batch in batches for number in batch]
    with_lm = side.objective == "full"
    work: dict[str, Any] = {
        "limit_flops": limit_flops(setting_.config, lengths, with_lm=with_lm),
        "executed_flops": executed_flops(
            setting_.config,
            lengths,
            side.layout,
            side.micro_batch,
            with_lm=with_lm,
            recompute=side.recompute == "layer",
        ),
    }
    return {
        "size": side.size,
        "objective": side.objective,
        "set": side.pairs,
        "pairs": len(lengths),
        "tokens": sum(2 * pair.prompt + pair.chosen + pair.rejected for pair in lengths),
        "seconds": timing.seconds,
        "peak_gib": timing.peak_gib,
        "gradient_error": error,
        **work,
    }
