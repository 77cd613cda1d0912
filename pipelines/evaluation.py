"""The evaluation pipeline: one task for each reward model, then the gate and the page."""

from kfp import dsl

from components.evaluation.import_benchmark.component import import_benchmark
from components.evaluation.plan_cells.component import plan_cells
from components.evaluation.score_benchmark.component import score_benchmark
from components.evaluation.summarise.component import summarise
from components.evaluation.write_report.component import write_report
from pipelines.fan_out import MAX_PODS
from pipelines.steps import uncached


@dsl.pipeline(name="themis-evaluation", description="Measure reward models on a benchmark.")
def evaluation(run: str) -> None:
    """Score every cell that the configuration of the run folder `run` names, and report.

    `summarise` takes no artifacts: it reads from the run folder what the cells left, so that a cell that was killed is
    a named gap in the report and not a lost run.
    """
    benchmark = uncached(import_benchmark(run=run, task="import_benchmark"))
    cells = uncached(plan_cells(run=run, task="plan_cells"))
    with dsl.ParallelFor(cells.outputs["Output"], parallelism=MAX_PODS) as cell:
        scored = uncached(
            score_benchmark(
                run=run, task="score_benchmark", cell=cell, benchmark=benchmark.outputs["benchmark"]
            )
        )
    gate = uncached(summarise(run=run, task="summarise")).after(scored).ignore_upstream_failure()
    uncached(write_report(run=run)).after(gate).ignore_upstream_failure()
