"""The KFP task around `stage.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("data"), install_kfp_package=False)
def import_sources(
    run: str,
    task: str,
    pairs: dsl.Output[dsl.Dataset],
) -> None:
    """Import preference pairs from files."""
    from components.dataset.import_sources.stage import STAGE
    from themis_common.stages.task import run_task

    pairs.metadata.update(run_task(STAGE, task=task, run=run, inputs={}, artifact=pairs.path))
