"""The evaluation pipeline: one task for each reward model, then the gate and the page."""

from collections.abc import Callable
from typing import Any, List  # noqa: UP035  (kfp reads the annotation `List[str]` from the source text)

from kfp import dsl

from components.evaluation.import_benchmark.component import import_benchmark
from components.evaluation.import_scores.component import import_scores
from components.evaluation.plan_cells.component import plan_cells
from components.evaluation.plan_cells.groups import GROUPS, IMPORTED, SHAPES
from components.evaluation.score_benchmark.component import score_benchmark
from components.evaluation.summarise.component import summarise
from components.evaluation.write_report.component import write_report
from pipelines.fan_out import MAX_PODS
from pipelines.steps import uncached
from themis_common.images import image

_GPU = "nvidia.com/gpu"


def score_group(group: str) -> Callable[..., Any]:
    """The nested pipeline that scores the cells of one group, each in a pod with the group's image and GPUs."""
    image_name, gpus = SHAPES[group]
    body = import_scores if group == IMPORTED else score_benchmark
    score = dsl.component(base_image=image(image_name), install_kfp_package=False)(body.python_func)

    def over_cells(run: str, cells: List[str], benchmark: dsl.Input[dsl.Dataset]) -> None:  # noqa: UP006
        with dsl.ParallelFor(cells, parallelism=MAX_PODS) as cell:
            scored = uncached(score(run=run, task="score_benchmark", cell=cell, benchmark=benchmark))
            if gpus:
                scored.set_accelerator_type(_GPU).set_accelerator_limit(gpus)

    return dsl.pipeline(name=f"score-{group.replace('_', '-')}")(over_cells)  # type: ignore[no-any-return]


_SCORE = {group: score_group(group) for group in GROUPS}


@dsl.pipeline(name="themis-evaluation", description="Measure reward models on a benchmark.")
def evaluation(run: str) -> None:
    """Score every cell that the configuration of the run folder `run` names, and report.

    `summarise` takes no artifacts: it reads from the run folder what the cells left, so that a cell that was killed is
    a named gap in the report and not a lost run.
    """
    benchmark = uncached(import_benchmark(run=run, task="import_benchmark"))
    cells = uncached(plan_cells(run=run, task="plan_cells"))
    scored = [
        uncached(score(run=run, cells=cells.outputs[group], benchmark=benchmark.outputs["benchmark"]))
        for group, score in _SCORE.items()
    ]
    gate = uncached(summarise(run=run, task="summarise")).after(*scored).ignore_upstream_failure()
    uncached(write_report(run=run)).after(gate).ignore_upstream_failure()
