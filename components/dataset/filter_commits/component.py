"""The KFP task around `stage.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def filter_commits(
    run: str,
    task: str,
    commits: dsl.Input[dsl.Dataset],
    filtered: dsl.Output[dsl.Dataset],
) -> None:
    """Keep changes in wanted languages and repositories."""
    from components.dataset.filter_commits.stage import STAGE
    from themis_common.stages.task import run_task

    inputs = {"commits": commits.path}
    filtered.metadata.update(run_task(STAGE, task=task, run=run, inputs=inputs, artifact=filtered.path))
