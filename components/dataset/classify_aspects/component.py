"""The KFP task around `stage.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def classify_aspects(
    run: str,
    task: str,
    changes: dsl.Input[dsl.Dataset],
    classified: dsl.Output[dsl.Dataset],
) -> None:
    """Find the criteria that changes speak of."""
    from components.dataset.classify_aspects.stage import STAGE
    from themis_common.stages.task import run_task

    inputs = {"changes": changes.path}
    classified.metadata.update(run_task(STAGE, task=task, run=run, inputs=inputs, artifact=classified.path))
