"""The KFP task around `task.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("evaluate"), install_kfp_package=False)
def summarise(run: str, task: str, facts: dsl.Output[dsl.Metrics]) -> None:
    """Compute the statistics of all cells and fail where a cell left no scores."""
    from components.evaluation.summarise.task import summarise_run

    facts.metadata.update(summarise_run(run=run, task=task))
