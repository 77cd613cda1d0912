"""Plan, map, gather: the one shape in which a data-parallel stage runs over several pods.

    retrieve_contents = fan_out("dataset.retrieve_contents", on="data")

    @dsl.pipeline
    def dataset(run: str):
        ...
        changes = retrieve_contents(run=run, task="retrieve_contents", source=commits)

A stage without inputs, whose units come from outside (repositories to mine), takes no `source`.

`plan` lists groups of units, one `map` pod works through each group, `gather` writes the manifest; they meet in the
store (facts/kubeflow.md section 1.3: no Collected). A stage author writes only the stage's `work`. The rounds of a
stage (`themis_common/stages/rounds.py`) are planned and mapped in the same way, one after the other, before the stage.
"""

from collections.abc import Callable
from typing import Any, List  # noqa: UP035  (kfp reads the annotation `List[str]` from the source text)

from kfp import dsl

from pipelines.steps import uncached
from pipelines.tasks import load_stage, stage_module
from themis_common.images import ImageName, image

MAX_PODS = 200


def plan_groups(
    run: str, task: str, module: str, part: int, source: dsl.Input[dsl.Dataset] | None = None
) -> List[str]:  # noqa: UP006
    """Names of the unit groups of one part of a stage."""
    import importlib

    from themis_common.stages.task import plan_task

    stage = importlib.import_module(module).STAGE
    return plan_task(stage, task=task, run=run, source=source and source.path, part=part)


def map_group(
    run: str, task: str, module: str, part: int, group: str, source: dsl.Input[dsl.Dataset] | None = None
) -> None:
    """Work through one group of units."""
    import importlib

    from themis_common.stages.task import map_task

    stage = importlib.import_module(module).STAGE
    map_task(stage, task=task, run=run, source=source and source.path, group=group, part=part)


def gather_units(
    run: str,
    task: str,
    module: str,
    dataset: dsl.Output[dsl.Dataset],
    source: dsl.Input[dsl.Dataset] | None = None,
) -> None:
    """Write the manifest over all units."""
    import importlib

    from themis_common.stages.task import gather_task

    stage = importlib.import_module(module).STAGE
    location = source and source.path
    dataset.metadata.update(gather_task(stage, task=task, run=run, source=location, artifact=dataset.path))


def fan_out(stage: str, *, on: ImageName) -> Callable[..., Any]:
    """The nested pipeline that runs `stage` over several pods of the image `on`.

    It takes `run`, `task` and, where the stage has an input, the artifact `source`; it returns the artifact of the
    finished dataset.
    """
    module = stage_module(stage)
    declared = load_stage(stage)
    rounds = len(declared.rounds)
    plan, map_one, gather = (
        dsl.component(base_image=image(on), install_kfp_package=False)(body)
        for body in (plan_groups, map_group, gather_units)
    )

    def over_parts(run: str, task: str, source: dict[str, Any]) -> Any:
        mapped = None
        for part in range(rounds + 1):
            groups = uncached(plan(run=run, task=task, module=module, part=part, **source))
            if mapped is not None:
                groups.after(mapped)
            with dsl.ParallelFor(groups.output, parallelism=MAX_PODS) as group:
                mapped = uncached(
                    map_one(run=run, task=task, module=module, part=part, group=group, **source)
                )
        gathered = uncached(gather(run=run, task=task, module=module, **source)).after(mapped)
        return gathered.outputs["dataset"]

    def from_outside(run: str, task: str) -> dsl.Dataset:
        return over_parts(run, task, {})

    def from_source(run: str, task: str, source: dsl.Input[dsl.Dataset]) -> dsl.Dataset:
        return over_parts(run, task, {"source": source})

    pipeline = from_source if declared.inputs else from_outside
    return dsl.pipeline(name=f"fan-out-{stage.rpartition('.')[2].replace('_', '-')}")(pipeline)  # type: ignore[no-any-return]
