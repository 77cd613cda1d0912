"""The plan of the dataset pipeline: for each stage its rows, pods, hours, memory, storage, network and dollars."""

import math
from dataclasses import dataclass
from typing import Literal

from pipelines.fan_out import MAX_PODS
from pipelines.scale_plan.figures import Figures
from themis_common.errors import UserError

STAGES = (
    "mine_commits",
    "filter_commits",
    "retrieve_contents",
    "deduplicate",
    "classify_aspects",
    "rate_changes",
    "judge_preferences",
    "assemble_code",
)
"""The tasks that are planned, in their order; import and assembly of general pairs are small at any scale."""

_MILLION = 1e6
_HOUR = 3600.0
_GIB = float(1 << 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """What one stage takes.

    Attributes:
        hours: from its start to its end, with the start of its pods.
        bound_by: what the hours come from.
        pod_dollars: for all its pods as long as they run.
        service_dollars: for what it asks of others: BigQuery, a language model.
    """

    task: str
    rows_in: float
    rows_out: float
    pods: int
    hours: float
    bound_by: Literal["CPU", "host", "endpoint"]
    cpu_hours: float
    memory_gib: float
    stored_gib: float
    network_gib: float
    pod_dollars: float
    service_dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All stages, one after the other."""

    commits: float
    stages: tuple[StagePlan, ...]
    storage_dollars: float

    @property
    def hours(self) -> float:
        """Hours of all stages."""
        return sum(stage.hours for stage in self.stages)

    @property
    def dollars(self) -> float:
        """Everything."""
        return self.storage_dollars + sum(stage.pod_dollars + stage.service_dollars for stage in self.stages)


def plan_dataset(commits: float, pods: int, figures: Figures) -> Plan:
    """Plan the dataset pipeline for so many mined commits.

    Args:
        commits: rows that mining gives.
        pods: most pods of a fan-out, of one vCPU each.

    Raises:
        UserError: fewer than one commit, or a number of pods that no fan-out has.
    """
    if not 1 <= commits < float("inf"):
        raise UserError(f"--commits must be at least 1, found {commits:g}")
    if not 1 <= pods <= MAX_PODS:
        raise UserError(f"--pods must be from 1 to {MAX_PODS}, found {pods}")
    stages = []
    rows = commits
    for task in STAGES:
        stages.append(_plan_stage(task, rows, pods, figures))
        rows = stages[-1].rows_out
    stored = sum(stage.stored_gib for stage in stages)
    return Plan(
        commits=commits,
        stages=tuple(stages),
        storage_dollars=stored * figures["price.gib_month"] * figures["run.months_stored"],
    )


def _plan_stage(task: str, rows: float, pods: int, figures: Figures) -> StagePlan:
    rows_out = rows * figures[f"{task}.kept"]
    cpu_hours = _cpu_seconds(task, rows, figures) / _HOUR
    pods, working_hours, bound_by = _duration(task, rows, cpu_hours, pods, figures)
    starting_hours = figures[f"{task}.tasks_in_a_row"] * figures["run.pod_start_seconds"] / _HOUR
    hours = working_hours + starting_hours
    stored = rows_out * figures[f"{task}.stored_bytes"] + _met(task, rows, figures) * figures.get(
        f"{task}.stored_bytes_met"
    )
    return StagePlan(
        task=task,
        rows_in=_met(task, rows, figures),
        rows_out=rows_out,
        pods=pods,
        hours=hours,
        bound_by=bound_by,
        cpu_hours=cpu_hours,
        memory_gib=figures[f"{task}.memory_gib"],
        stored_gib=stored / _GIB,
        network_gib=rows * figures.get(f"{task}.network_bytes") / _GIB,
        pod_dollars=pods * hours * figures["price.vcpu_hour"],
        service_dollars=_service_dollars(task, rows, figures),
    )


def _met(task: str, rows: float, figures: Figures) -> float:
    """What a stage looks at: the rows of its input, and in mining all commits of the tables."""
    return rows * (figures.get(f"{task}.met") or 1.0)


def _cpu_seconds(task: str, rows: float, figures: Figures) -> float:
    millions = _met(task, rows, figures) / _MILLION
    parts = math.ceil(rows / (figures.get(f"{task}.rows_a_part") or math.inf))
    return millions * (figures[f"{task}.cpu_seconds"] + parts * figures.get(f"{task}.cpu_seconds_a_part"))


def _duration(
    task: str, rows: float, cpu_hours: float, pods: int, figures: Figures
) -> tuple[int, float, Literal["CPU", "host", "endpoint"]]:
    """Pods that have something to do, the hours that they work, and what keeps them from being fewer."""
    rows_a_unit = figures.get(f"{task}.rows_a_part") or figures["run.rows_in_a_shard"]
    units = math.ceil(_met(task, rows, figures) / rows_a_unit)
    useful = 1 if figures[f"{task}.tasks_in_a_row"] == 1 else min(pods, units)
    bounds: list[tuple[float, int, Literal["CPU", "host", "endpoint"]]] = [
        (cpu_hours / useful, useful, "CPU")
    ]
    if per_connection := figures.get(f"{task}.rows_a_connection"):
        at_once = min(figures[f"{task}.connections_at_host"], useful * figures[f"{task}.connections_a_pod"])
        hours = rows / per_connection * figures[f"{task}.connection_seconds"] / at_once / _HOUR
        enough = math.ceil(max(cpu_hours / hours, at_once / figures[f"{task}.connections_a_pod"]))
        bounds.append((hours, enough, "host"))
    if requests := figures.get(f"{task}.requests"):
        hours = rows * requests / figures[f"{task}.requests_a_second"] / _HOUR
        # more pods than that would only wait for the endpoint
        bounds.append((hours, math.ceil(cpu_hours / hours), "endpoint"))
    hours, chosen, bound_by = max(bounds, key=lambda bound: bound[0])
    return chosen, hours, bound_by


def _service_dollars(task: str, rows: float, figures: Figures) -> float:
    requests = rows * figures.get(f"{task}.requests")
    tokens = (
        figures.get(f"{task}.prompt_tokens") * figures["price.million_prompt_tokens"]
        + figures.get(f"{task}.answer_tokens") * figures["price.million_answer_tokens"]
    )
    scanned = figures.get(f"{task}.scanned_tib") * figures["price.scanned_tib"]
    return requests * tokens / _MILLION + scanned
