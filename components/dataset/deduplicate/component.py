"""The KFP task around `stage.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def deduplicate(
    run: str,
    task: str,
    changes: dsl.Input[dsl.Dataset],
    deduplicated: dsl.Output[dsl.Dataset],
) -> None:
    """Drop near-duplicates."""
    from components.dataset.deduplicate.stage import STAGE
    from themis_common.stages.task import run_task

    inputs = {"changes": changes.path}
    deduplicated.metadata.update(
        run_task(STAGE, task=task, run=run, inputs=inputs, artifact=deduplicated.path)
    )
