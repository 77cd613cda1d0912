"""A plan as a page of Markdown: the stages, what they come to, and where each figure is from."""

from pipelines.scale_plan.dataset_plan import Plan, StagePlan
from pipelines.scale_plan.figures import Figures
from themis_common.markdown_table import markdown_table

_COLUMNS = (
    "stage",
    "in",
    "out",
    "pods",
    "hours",
    "bound by",
    "CPU hours",
    "GiB memory a pod",
    "GiB stored",
    "GiB network",
    "$ pods",
    "$ services",
)


def render(plan: Plan, figures: Figures) -> str:
    """The whole page."""
    stages = [_cells(stage) for stage in plan.stages]
    total = (
        "all",
        "",
        f"{plan.stages[-1].rows_out:,.0f}",
        "",
        f"{plan.hours:,.1f}",
        "",
        f"{sum(stage.cpu_hours for stage in plan.stages):,.1f}",
        "",
        f"{sum(stage.stored_gib for stage in plan.stages):,.0f}",
        f"{sum(stage.network_gib for stage in plan.stages):,.0f}",
        _dollars(sum(stage.pod_dollars for stage in plan.stages)),
        _dollars(sum(stage.service_dollars for stage in plan.stages)),
    )
    origins = [
        (name, f"{figure.value:g}", figure.unit, f"{figure.kind}: {figure.source}", figure.date)
        for name, figure in figures.by_name.items()
    ]
    return "\n".join(
        [
            f"# Plan of the dataset pipeline for {plan.commits:,.0f} commits",
            "",
            f"{_dollars(plan.dollars)} dollars: the two columns, and {_dollars(plan.storage_dollars)} for storage. "
            f"{plan.hours:,.1f} hours, one stage after the other; a pod has one vCPU.",
            "",
            markdown_table(_COLUMNS, [*stages, total]),
            "",
            "Hours bound by `host` or `endpoint` do not fall with more pods: they are what a git host or a language "
            "model is asked to bear. Pods are as many as have something to do.",
            "",
            "## Figures",
            "",
            f"Measured on: {figures.machine}. Any of them can be replaced: `--assume NAME=VALUE`.",
            "",
            markdown_table(("name", "value", "unit", "from", "date"), origins),
        ]
    )


def _cells(stage: StagePlan) -> tuple[str, ...]:
    return (
        stage.task,
        f"{stage.rows_in:,.0f}",
        f"{stage.rows_out:,.0f}",
        f"{stage.pods}",
        f"{stage.hours:,.2f}",
        stage.bound_by,
        f"{stage.cpu_hours:,.2f}",
        f"{stage.memory_gib:g}",
        f"{stage.stored_gib:,.1f}",
        f"{stage.network_gib:,.0f}" if stage.network_gib else "",
        _dollars(stage.pod_dollars),
        _dollars(stage.service_dollars) if stage.service_dollars else "",
    )


def _dollars(amount: float) -> str:
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.2f}"
