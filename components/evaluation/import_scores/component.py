"""The KFP task around `task.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("evaluate"), install_kfp_package=False)
def import_scores(
    run: str,
    task: str,
    cell: str,
    benchmark: dsl.Input[dsl.Dataset],
    facts: dsl.Output[dsl.Metrics],
) -> None:
    """Import the published scores of one model."""
    from components.evaluation.import_scores.task import import_cell

    facts.metadata.update(import_cell(run=run, task=task, cell=cell, benchmark=benchmark.path))
