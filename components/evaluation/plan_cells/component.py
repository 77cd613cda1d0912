"""The KFP task around `task.py`."""

from typing import List, NamedTuple  # noqa: UP035  (kfp reads the annotation `List[str]` from the source text)

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("evaluate"), install_kfp_package=False)
def plan_cells(run: str, task: str) -> NamedTuple(  # type: ignore[valid-type]  # the form that kfp reads
    "Groups",
    [
        ("imported", List[str]),  # noqa: UP006
        ("evaluate_0", List[str]),  # noqa: UP006
        ("evaluate_1", List[str]),  # noqa: UP006
        ("evaluate_2", List[str]),  # noqa: UP006
        ("evaluate_4", List[str]),  # noqa: UP006
        ("evaluate_8", List[str]),  # noqa: UP006
        ("llm_1", List[str]),  # noqa: UP006
        ("llm_2", List[str]),  # noqa: UP006
        ("llm_4", List[str]),  # noqa: UP006
        ("llm_8", List[str]),  # noqa: UP006
    ],
):
    """Check the models to evaluate and list their cells by group."""
    from components.evaluation.plan_cells.task import cells_by_group, plan_run

    return cells_by_group(plan_run(run=run, task=task))
