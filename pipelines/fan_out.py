"""Plan, map, gather: the one shape in which a data-parallel stage runs over several pods.

    retrieve_contents = fan_out("dataset.retrieve_contents", on="data")

    @dsl.pipeline
    def dataset(run: str):
        ...
        changes = retrieve_contents(run=run, task="retrieve_contents", source=commits)

`plan` lists groups of units, one `map` pod works through each group, `gather` writes the manifest; they meet in the
store (facts/kubeflow.md section 1.3: no Collected). A stage author writes only the stage's `work`.
"""

from collections.abc import Callable
from typing import Any, List  # noqa: UP035  (kfp reads the annotation `List[str]` from the source text)

from kfp import dsl

from pipelines.steps import uncached
from pipelines.tasks import stage_module
from themis_common.images import ImageName, image

MAX_PODS = 200


def plan_groups(run: str, task: str, module: str, source: dsl.Input[dsl.Dataset]) -> List[str]:  # noqa: UP006
    """Names of the unit groups of a stage."""
    import importlib

    from themis_common.stages.task import plan_task

    stage = importlib.import_module(module).STAGE
    return plan_task(stage, task=task, run=run, source=source.path)


def map_group(run: str, task: str, module: str, group: str, source: dsl.Input[dsl.Dataset]) -> None:
    """Work through one group of units."""
    import importlib

    from themis_common.stages.task import map_task

    stage = importlib.import_module(module).STAGE
    map_task(stage, task=task, run=run, source=source.path, group=group)


def gather_units(
    run: str, task: str, module: str, source: dsl.Input[dsl.Dataset], dataset: dsl.Output[dsl.Dataset]
) -> None:
    """Write the manifest over all units."""
    import importlib

    from themis_common.stages.task import gather_task

    stage = importlib.import_module(module).STAGE
    dataset.metadata.update(gather_task(stage, task=task, run=run, source=source.path, artifact=dataset.path))


def fan_out(stage: str, *, on: ImageName) -> Callable[..., Any]:
    """The nested pipeline that runs `stage` over several pods of the image `on`.

    It takes `run`, `task` and the artifact `source`, and returns the artifact of the finished dataset.
    """
    module = stage_module(stage)
    plan, map_one, gather = (
        dsl.component(base_image=image(on), install_kfp_package=False)(body)
        for body in (plan_groups, map_group, gather_units)
    )

    def pipeline(run: str, task: str, source: dsl.Input[dsl.Dataset]) -> dsl.Dataset:
        groups = uncached(plan(run=run, task=task, module=module, source=source))
        with dsl.ParallelFor(groups.output, parallelism=MAX_PODS) as group:
            mapped = uncached(map_one(run=run, task=task, module=module, group=group, source=source))
        gathered = uncached(gather(run=run, task=task, module=module, source=source)).after(mapped)
        return gathered.outputs["dataset"]

    return dsl.pipeline(name=f"fan-out-{stage.rpartition('.')[2].replace('_', '-')}")(pipeline)  # type: ignore[no-any-return]
