"""The KFP task around `stage.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("train"), install_kfp_package=False)
def export_model(
    run: str,
    task: str,
    model: dsl.Input[dsl.Dataset],
    exported: dsl.Output[dsl.Dataset],
) -> None:
    """Export a reward model for other software."""
    from components.training.export_model.stage import STAGE
    from themis_common.stages.task import run_task

    inputs = {"model": model.path}
    exported.metadata.update(run_task(STAGE, task=task, run=run, inputs=inputs, artifact=exported.path))
