"""What makes a run fit: the fastest way of doing the same work that does, adapters, or further GPUs.

Ways of doing the same work differ in what backward computes again, in the size of packs, in how many GPUs share one
copy of the model, and in where weights and optimiser live; results do not depend on them. Adapters are another method.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

from components.training.train_reward_model.config import TrainRewardModelConfig
from pipelines.training_plan.plan import Hardware, TrainingPlan, plan_training

GPUS_OF_MACHINE = 8
_ADAPTER_RANK = 16
_MOST_GPUS = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """A plan that fits, and the options in which it differs from the one that was asked for."""

    plan: TrainingPlan
    changes: dict[str, Any]


def propose(plan: TrainingPlan) -> Proposal | None:
    """The fastest way of the same work on the same GPUs that fits."""
    return _first_that_fits(plan, plan.training, offload=(False, True))


def propose_adapters(plan: TrainingPlan) -> Proposal | None:
    """The fastest way of training adapters instead of all weights that fits; None for a plan that does so already."""
    if plan.training.lora_rank:
        return None
    return _first_that_fits(plan, replace(plan.training, lora_rank=_ADAPTER_RANK), offload=(False, True))


def gpus_needed(plan: TrainingPlan) -> Proposal | None:
    """The same work on as few further GPUs as hold it without offloading, doubling their number."""
    gpus = plan.hardware.gpus
    while gpus < _MOST_GPUS:
        gpus *= 2
        wider = _on(plan, plan.training, replace(plan.hardware, gpus=gpus))
        found = _first_that_fits(wider, plan.training, offload=(False,))
        if found is not None:
            return found
    return None


def least_memory(plan: TrainingPlan) -> TrainingPlan:
    """The way of the same work that takes least of each GPU, whether that is there or not."""
    ways = (_on(plan, way, plan.hardware) for way in _ways(plan, plan.training, offload=(False, True)))
    possible = [way for way in ways if way.memory.host_bytes <= plan.hardware.host_memory]
    return min(possible, key=lambda way: way.memory.gpu_bytes)


def _first_that_fits(
    plan: TrainingPlan, training: TrainRewardModelConfig, *, offload: tuple[bool, ...]
) -> Proposal | None:
    for way in _ways(plan, training, offload=offload):
        other = _on(plan, way, plan.hardware)
        if other.fits:
            return Proposal(plan=other, changes=_changes(plan.training, way))
    return None


def _ways(
    plan: TrainingPlan, training: TrainRewardModelConfig, *, offload: tuple[bool, ...]
) -> Iterator[TrainRewardModelConfig]:
    """Ways of doing the work, faster ones first."""
    policies: tuple[Literal["none", "selective", "layer"], ...] = ("none", "selective", "layer")
    if training.kernels == "compile":
        # what compiled layers keep cannot be selected
        policies = ("none", "layer")
    for offloaded in offload:
        for recompute in policies:
            for pack in _pack_sizes(training.max_tokens_per_pack, plan.lengths.longest):
                for shards in _shard_sizes(plan.hardware.gpus):
                    yield replace(
                        training,
                        offload=offloaded,
                        recompute=recompute,
                        max_tokens_per_pack=pack,
                        shard_size=shards,
                    )


def _pack_sizes(most: int, longest: int) -> list[int]:
    """The given size and its halves that hold the longest pair."""
    sizes = [max(most, longest)]
    while sizes[-1] // 2 >= longest:
        sizes.append(sizes[-1] // 2)
    return sizes


def _shard_sizes(gpus: int) -> list[int]:
    """Copies of the model inside each machine, so that only gradients cross between machines; then one over all."""
    if gpus > GPUS_OF_MACHINE and gpus % GPUS_OF_MACHINE == 0:
        return [GPUS_OF_MACHINE, 0]
    return [0]


def _on(plan: TrainingPlan, training: TrainRewardModelConfig, hardware: Hardware) -> TrainingPlan:
    return plan_training(plan.base_model, plan.shape, plan.lengths, training, hardware)


def _changes(before: TrainRewardModelConfig, after: TrainRewardModelConfig) -> dict[str, Any]:
    names = ("lora_rank", "offload", "recompute", "max_tokens_per_pack", "shard_size")
    return {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}
