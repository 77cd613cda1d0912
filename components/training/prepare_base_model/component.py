"""The KFP task around `stage.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("train"), install_kfp_package=False)
def prepare_base_model(
    run: str,
    task: str,
    general: dsl.Input[dsl.Dataset],
    code: dsl.Input[dsl.Dataset],
    model: dsl.Output[dsl.Dataset],
) -> None:
    """Fetch or make the model to start from."""
    from components.training.prepare_base_model.stage import STAGE
    from themis_common.stages.task import run_task

    inputs = {"pairs/general": general.path, "pairs/code": code.path}
    model.metadata.update(run_task(STAGE, task=task, run=run, inputs=inputs, artifact=model.path))
