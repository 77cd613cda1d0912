"""The plan of one training run: what it computes, what it holds, how long it takes and what it costs."""

import math
from dataclasses import dataclass

from components.training.train_reward_model.config import TrainRewardModelConfig
from pipelines.training_plan.arithmetic import PairFlops, adapters, pair_flops
from pipelines.training_plan.memory import GRADIENTS, WEIGHTS, Memory, memory
from pipelines.training_plan.model_shape import ModelShape
from pipelines.training_plan.pair_lengths import PairLengths

_SECONDS_OF_HOUR = 3600

HOST_LINK = 25e9
"""Bytes a second between a GPU and its machine's memory (a 16-lane PCIe 4 link in use); an estimate."""

HOST_UPDATE = 20e9
"""Bytes a second, for each GPU, that AdamW on the machine's processors goes through; an estimate."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hardware:
    """What training runs on.

    Attributes:
        gpus: over all machines.
        kind: name of the GPU.
        memory: bytes of each.
        host_memory: bytes that a machine has for each of its GPUs.
        flops: dense bfloat16 FLOP/s of each by its data sheet.
        utilisation: share of `flops` that executed FLOPs reach, between 0 and 1.
        price: of a GPU for an hour, in any currency; None when nobody said.
    """

    gpus: int
    kind: str
    memory: int
    host_memory: int
    flops: float
    utilisation: float
    price: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingPlan:
    """One run on some hardware.

    Attributes:
        trained_parameters: those that get gradients.
        steps: optimiser steps.
        tokens: packed tokens that are computed, over all epochs.
        flops: of all pairs of all epochs.
        hours: of wall clock.
        cost: in the currency of the price.
    """

    base_model: str
    shape: ModelShape
    lengths: PairLengths
    training: TrainRewardModelConfig
    hardware: Hardware
    trained_parameters: int
    steps: int
    tokens: float
    unshared_tokens: float
    flops: PairFlops
    memory: Memory
    hours: float

    @property
    def gpu_hours(self) -> float:
        """Hours times GPUs."""
        return self.hours * self.hardware.gpus

    @property
    def cost(self) -> float | None:
        """GPU-hours at the given price."""
        return None if self.hardware.price is None else self.gpu_hours * self.hardware.price

    @property
    def fits(self) -> bool:
        """Whether the GPUs hold it, and the machines what is offloaded to them."""
        on_gpus = self.memory.gpu_bytes <= self.hardware.memory
        return on_gpus and self.memory.host_bytes <= self.hardware.host_memory


def plan_training(
    base_model: str,
    shape: ModelShape,
    lengths: PairLengths,
    training: TrainRewardModelConfig,
    hardware: Hardware,
) -> TrainingPlan:
    """Plan a run; whether it fits is for the caller to look at."""
    seen = lengths.pairs * training.epochs
    one = pair_flops(shape, lengths, training)
    flops = PairFlops(model=one.model * seen, executed=one.executed * seen, unshared=one.unshared * seen)
    steps = training.epochs * -(-lengths.pairs // training.global_batch)
    compute = flops.executed / (hardware.gpus * hardware.flops * hardware.utilisation)
    held = memory(shape, lengths, training, hardware.gpus)
    return TrainingPlan(
        base_model=base_model,
        shape=shape,
        lengths=lengths,
        training=training,
        hardware=hardware,
        trained_parameters=adapters(shape, training) + shape.hidden
        if training.lora_rank
        else shape.parameters,
        steps=steps,
        tokens=lengths.tokens * seen,
        unshared_tokens=lengths.unshared_tokens * seen,
        flops=flops,
        memory=held,
        hours=_seconds(compute, steps, lengths, training, held, hardware.gpus) / _SECONDS_OF_HOUR,
    )


def _seconds(
    compute: float,
    steps: int,
    lengths: PairLengths,
    training: TrainRewardModelConfig,
    held: Memory,
    gpus: int,
) -> float:
    """Seconds of the run: of computing, or where weights are offloaded, of moving them if that takes longer.

    Each micro-step moves the weights to the GPU for forward and again for backward, and their gradients back; each step
    updates weights and moments in the machine's memory.
    """
    micro_steps = math.ceil(training.global_batch * lengths.tokens / (gpus * training.max_tokens_per_pack))
    weights = held.host.get(WEIGHTS, 0)
    moved = micro_steps * (2 * weights + held.host.get(GRADIENTS, 0))
    return max(compute, steps * moved / HOST_LINK) + steps * held.host_bytes / HOST_UPDATE
