"""The KFP task around `stage.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def mine_commits(
    run: str,
    task: str,
    commits: dsl.Output[dsl.Dataset],
) -> None:
    """Mine single-file changes."""
    from components.dataset.mine_commits.stage import STAGE
    from themis_common.stages.task import run_task

    commits.metadata.update(run_task(STAGE, task=task, run=run, inputs={}, artifact=commits.path))
