"""The KFP task around `stage.py`."""

from kfp import dsl

from themis_common.images import image


@dsl.component(base_image=image("train"), install_kfp_package=False)
def train_reward_model(
    run: str,
    task: str,
    pairs: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Dataset],
    trained: dsl.Output[dsl.Dataset],
    headline: dsl.Output[dsl.Metrics],
) -> None:
    """Train a reward model."""
    from components.training.train_reward_model.headline import last_metrics
    from components.training.train_reward_model.stage import STAGE
    from themis_common.stages.task import run_task

    inputs = {"pairs": pairs.path, "model": model.path}
    trained.metadata.update(run_task(STAGE, task=task, run=run, inputs=inputs, artifact=trained.path))
    headline.metadata.update(last_metrics(trained.path))
