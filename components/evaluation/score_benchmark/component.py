"""The KFP task around `task.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("evaluate"), install_kfp_package=False)
def score_benchmark(
    run: str,
    task: str,
    cell: str,
    benchmark: dsl.Input[dsl.Dataset],
    facts: dsl.Output[dsl.Metrics],
) -> None:
    """Score the benchmark with one reward model."""
    from components.evaluation.score_benchmark.task import score_cell

    facts.metadata.update(score_cell(run=run, task=task, cell=cell, benchmark=benchmark.path))
