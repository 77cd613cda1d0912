"""The KFP task around `task.py`."""

from typing import List  # noqa: UP035  (kfp reads the annotation `List[str]` from the source text)

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("evaluate"), install_kfp_package=False)
def plan_cells(run: str, task: str) -> List[str]:  # noqa: UP006
    """Check the models to evaluate and list their cells."""
    from components.evaluation.plan_cells.task import plan_run

    return plan_run(run=run, task=task)
