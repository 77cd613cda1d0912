"""The KFP task around `stage.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("train"), install_kfp_package=False)
def pack_pairs(
    run: str,
    task: str,
    pairs: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Dataset],
    packed: dsl.Output[dsl.Dataset],
) -> None:
    """Tokenise preference pairs."""
    from components.training.pack_pairs.stage import STAGE
    from themis_common.stages.task import run_task

    inputs = {"pairs": pairs.path, "model": model.path}
    packed.metadata.update(run_task(STAGE, task=task, run=run, inputs=inputs, artifact=packed.path))
