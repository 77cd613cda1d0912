"""A plan in words for people, and as data for machines."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from pipelines.training_plan.plan import TrainingPlan
from pipelines.training_plan.proposals import (
    Proposal,
    gpus_needed,
    least_memory,
    propose,
    propose_adapters,
)


def plan_document(plan: TrainingPlan) -> dict[str, Any]:
    """Everything in the plan, and what is proposed; None where nothing of the kind fits."""
    return {
        **_numbers(plan),
        "base_model": plan.base_model,
        "parameters": plan.shape.parameters,
        "lengths": asdict(plan.lengths),
        "hardware": asdict(plan.hardware),
        "proposals": {
            "same_results": _proposed(propose(plan)),
            "adapters": _proposed(propose_adapters(plan)),
            "further_gpus": _proposed(gpus_needed(plan)),
        },
    }


def plan_lines(plan: TrainingPlan) -> Iterator[str]:
    """The plan of one run."""
    lengths, hardware, flops, training = plan.lengths, plan.hardware, plan.flops, plan.training
    trained = f"{_count(plan.trained_parameters)} trained" if training.lora_rank else "all trained"
    yield f"base model  {plan.base_model}: {_count(plan.shape.parameters)} parameters, {trained}"
    yield f"pairs       {lengths.pairs:,}; lengths {lengths.source}"
    yield f"steps       {plan.steps:,} of {training.global_batch:,} pairs (epochs: {training.epochs})"
    yield (
        f"tokens      {_count(plan.tokens)} with shared prompts once, {_count(plan.unshared_tokens)} with all"
    )
    yield (
        f"FLOPs       {flops.executed:.3g} executed, {flops.unshared / flops.executed:.2f} times as many with all "
        f"prompts; {flops.model:.3g} without recomputing"
    )
    yield (
        f"time        {_hours(plan)} on {hardware.gpus} x {hardware.kind} at {hardware.utilisation:.0%} of "
        f"{hardware.flops / 1e12:,.0f} TFLOP/s: {plan.gpu_hours:,.2f} GPU-hours{_cost(plan)}"
    )
    yield f"memory of a GPU, with {training.max_tokens_per_pack:,} tokens in a pack"
    yield from (f"  {_gigabytes(size):>9}  {name}" for name, size in plan.memory.gpu.items())
    yield f"  {_gigabytes(plan.memory.gpu_bytes):>9}  of {_gigabytes(hardware.memory)}: {_verdict(plan)}"
    yield from _proposal_lines(plan)


def overview_lines(plans: Iterable[tuple[str, TrainingPlan]]) -> Iterator[str]:
    """One line for each of many plans: as it is where it fits, else as it would."""
    yield f"{'recipe':12}  GPUs  {'memory':>9}  {'time':>10}  {'GPU-hours':>9}  fits"
    for name, plan in plans:
        found = None if plan.fits else propose(plan) or propose_adapters(plan)
        shown = found.plan if found else plan
        how = "as it is" if plan.fits else _settings(found.changes) if found else "no"
        yield (
            f"{name:12}  {shown.hardware.gpus:4}  {_gigabytes(shown.memory.gpu_bytes):>9}  {_hours(shown):>10}  "
            f"{shown.gpu_hours:9,.2f}  {how}{_cost(shown)}"
        )


def _proposal_lines(plan: TrainingPlan) -> Iterator[str]:
    same = propose(plan)
    if same is not None and not plan.fits:
        yield f"fits with the same results: {_way(same)}"
    elif same is not None and same.changes:
        yield f"fits, too, with the same results, and should be faster: {_way(same)}"
    if same is not None and (plan.fits or not same.plan.training.offload):
        return
    if same is None:
        least = least_memory(plan)
        yield f"nothing fits with the same results; {_gigabytes(least.memory.gpu_bytes)} of each GPU would be needed"
    adapters = propose_adapters(plan)
    if adapters is not None:
        yield f"fits by adapters, another method: {_way(adapters)}"
    wider = gpus_needed(plan)
    if wider is not None:
        yield f"would fit on {wider.plan.hardware.gpus} such GPUs: {_way(wider)}"


def _proposed(proposal: Proposal | None) -> dict[str, Any] | None:
    return {"set": proposal.changes, **_numbers(proposal.plan)} if proposal else None


def _way(proposal: Proposal) -> str:
    plan = proposal.plan
    host = f" and {_gigabytes(plan.memory.host_bytes)} of the machine" if plan.memory.host else ""
    settings = _settings(proposal.changes) or "as it is"
    return f"{settings}  ({_gigabytes(plan.memory.gpu_bytes)}{host}, {_hours(plan)}{_cost(plan)})"


def _verdict(plan: TrainingPlan) -> str:
    verdict = "fits" if plan.fits else "DOES NOT FIT"
    if not plan.memory.host:
        return verdict
    needed, there = plan.memory.host_bytes, plan.hardware.host_memory
    return f"{verdict} (and {_gigabytes(needed)} of {_gigabytes(there)} of the machine's memory)"


def _settings(changes: dict[str, Any]) -> str:
    return " ".join(f"--set {name}={json.dumps(value).strip(chr(34))}" for name, value in changes.items())


def _numbers(plan: TrainingPlan) -> dict[str, Any]:
    return {
        "fits": plan.fits,
        "trained_parameters": plan.trained_parameters,
        "gpus": plan.hardware.gpus,
        "steps": plan.steps,
        "tokens": plan.tokens,
        "flops": asdict(plan.flops),
        "memory": {**asdict(plan.memory), "gpu_bytes": plan.memory.gpu_bytes},
        "hours": plan.hours,
        "gpu_hours": plan.gpu_hours,
        "cost": plan.cost,
    }


def _cost(plan: TrainingPlan) -> str:
    return "" if plan.cost is None else f", costs {plan.cost:,.2f}"


def _hours(plan: TrainingPlan) -> str:
    return f"{plan.hours:,.2f} h" if plan.hours >= 0.1 else f"{plan.hours * 60:,.1f} min"


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:,.1f} GB"


def _count(number: float) -> str:
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:,.2f} {name}"
    return f"{number:,.0f}"
