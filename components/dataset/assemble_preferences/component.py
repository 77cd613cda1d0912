"""The KFP tasks around `stage.py`: one for judged changes, one for imported pairs."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def assemble_judged(
    run: str,
    task: str,
    judged: dsl.Input[dsl.Dataset],
    pairs: dsl.Output[dsl.Dataset],
) -> None:
    """Make preference pairs of judged changes."""
    from components.dataset.assemble_preferences.stage import STAGE
    from themis_common.stages.task import run_task

    inputs = {"judged": judged.path}
    pairs.metadata.update(run_task(STAGE, task=task, run=run, inputs=inputs, artifact=pairs.path))


@dsl.component(base_image=image("data"), install_kfp_package=False)
def assemble_imported(
    run: str,
    task: str,
    imported: dsl.Input[dsl.Dataset],
    pairs: dsl.Output[dsl.Dataset],
) -> None:
    """Give imported pairs their system prompts and split."""
    from components.dataset.assemble_preferences.stage import STAGE
    from themis_common.stages.task import run_task

    inputs = {"imported": imported.path}
    pairs.metadata.update(run_task(STAGE, task=task, run=run, inputs=inputs, artifact=pairs.path))
