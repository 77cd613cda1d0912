# ruff: noqa: UP006, UP035, UP045, B006 - kfp knows only the old spellings of types
"""For each rule of the IR linter the smallest pipelines that break it, and no other rule."""

from collections.abc import Callable
from typing import Any, Final, List, NamedTuple, Optional

from kfp import dsl

from pipelines.ir_linter import MAX_IR_BYTES, MAX_PARAMETER_BYTES
from themis_common.images import image

OURS: Final[dict[str, Any]] = {"base_image": image("data"), "install_kfp_package": False}


@dsl.component(**OURS)
def plan_cells(count: int) -> List[str]:
    return [str(cell) for cell in range(count)]


@dsl.component(**OURS)
def plan_numbers() -> List[int]:
    return [1, 2]


@dsl.component(**OURS)
def plan_structs() -> List[dict]:
    return [{"cell": "a"}]


@dsl.component(**OURS)
def plan_named() -> NamedTuple("Plan", [("cells", List[str])]):
    return (["a"],)


@dsl.component(**OURS)
def score_cell(cell: str, scores: dsl.Output[dsl.Dataset]) -> str:
    return cell


@dsl.component(**OURS)
def score_number(cell: int) -> int:
    return cell


@dsl.component(**OURS)
def measure() -> float:
    return 0.5


@dsl.component(**OURS)
def summarise(cells: List[str] = ["a"]) -> str:
    return ",".join(cells)


@dsl.component(**OURS)
def read_scores(scores: dsl.Input[dsl.Dataset]) -> None:
    print(scores.path)


@dsl.component(**OURS)
def say_final(status: dsl.PipelineTaskFinalStatus) -> None:
    print(status.state)


@dsl.component(**OURS)
def log_in(github_token: str) -> None:
    print(len(github_token))


def uncached(task: Any) -> Any:
    return task.set_caching_options(False)


# One builder per case: (rule, function that makes the pipeline when called).
Builder = Callable[[], Any]
BREAKING: list[tuple[str, Builder]] = []


def breaks(rule: str) -> Callable[[Builder], Builder]:
    def register(builder: Builder) -> Builder:
        BREAKING.append((rule, builder))
        return builder

    return register


@breaks("lightweight")
def container_component() -> Any:
    @dsl.container_component
    def shell() -> dsl.ContainerSpec:
        # Mentions the executor module without running it, which is enough for kfp.local's own check.
        return dsl.ContainerSpec(image=image("data"), command=["sh", "-c", "echo kfp.dsl.executor_main"])

    @dsl.pipeline(name="p")
    def pipeline() -> None:
        uncached(shell())

    return pipeline


@breaks("lightweight")
def imported_artifact() -> Any:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        data = uncached(
            dsl.importer(artifact_uri="gs://bucket/data", artifact_class=dsl.Dataset, reimport=False)
        )
        uncached(read_scores(scores=data.output))

    return pipeline


@breaks("pip-install")
def installs_a_package() -> Any:
    @dsl.component(base_image=image("data"), install_kfp_package=False, packages_to_install=["numpy"])
    def install() -> None:
        print("installed")

    @dsl.pipeline(name="p")
    def pipeline() -> None:
        uncached(install())

    return pipeline


@breaks("image")
def foreign_image() -> Any:
    @dsl.component(base_image="python:3.11", install_kfp_package=False)
    def foreign() -> None:
        print("foreign")

    @dsl.pipeline(name="p")
    def pipeline() -> None:
        uncached(foreign())

    return pipeline


@breaks("secret")
def secret_pipeline_parameter() -> Any:
    @dsl.pipeline(name="p")
    def pipeline(hf_token: str = "") -> None:
        uncached(score_cell(cell=hf_token))

    return pipeline


@breaks("secret")
def secret_component_parameter() -> Any:
    @dsl.pipeline(name="p")
    def pipeline(text: str = "") -> None:
        uncached(log_in(github_token=text))

    return pipeline


@breaks("secret")
def secret_in_the_environment() -> Any:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        uncached(score_cell(cell="a")).set_env_variable("OPENAI_API_KEY", "sk-1")

    return pipeline


@breaks("optional")
def optional_parameter() -> Any:
    @dsl.pipeline(name="p")
    def pipeline(preset: Optional[str] = None) -> None:
        uncached(score_cell(cell=preset))

    return pipeline


@breaks("parameter-size")
def large_defaults() -> Any:
    @dsl.pipeline(name="p")
    def pipeline(config: str = "x" * MAX_PARAMETER_BYTES) -> None:
        uncached(score_cell(cell=config))

    return pipeline


@breaks("caching")
def cached_task() -> Any:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        score_cell(cell="a")

    return pipeline


@breaks("artifact-iterator")
def loop_over_artifacts() -> Any:
    @dsl.pipeline(name="p")
    def pipeline(tables: dsl.Input[List[dsl.Dataset]]) -> None:
        with dsl.ParallelFor(tables) as table:
            uncached(read_scores(scores=table))

    return pipeline


@breaks("collected")
def collected_in_a_task() -> Any:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        with dsl.ParallelFor(uncached(plan_cells(count=2)).output) as cell:
            scored = uncached(score_cell(cell=cell))
        uncached(summarise(cells=dsl.Collected(scored.outputs["Output"])))

    return pipeline


@breaks("collected")
def collected_as_output() -> Any:
    @dsl.pipeline(name="p")
    def pipeline() -> List[str]:
        with dsl.ParallelFor(uncached(plan_cells(count=2)).output) as cell:
            scored = uncached(score_cell(cell=cell))
        return dsl.Collected(scored.outputs["Output"])

    return pipeline


@breaks("float-condition")
def float_against_int() -> Any:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        with dsl.If(uncached(measure()).output > 3):
            uncached(score_cell(cell="a"))

    return pipeline


@breaks("float-condition")
def float_against_float() -> Any:
    @dsl.pipeline(name="p")
    def pipeline(threshold: float = 0.5) -> None:
        with dsl.If(uncached(measure()).output == threshold):
            uncached(score_cell(cell="a"))

    return pipeline


@breaks("quoted-condition")
def quote_in_a_condition() -> Any:
    @dsl.pipeline(name="p")
    def pipeline(mode: str = "all") -> None:
        with dsl.If(mode == "it's"):
            uncached(score_cell(cell="a"))

    return pipeline


@breaks("quoted-condition")
def condition_that_closes_its_own_string() -> Any:
    @dsl.pipeline(name="p")
    def pipeline(mode: str = "all") -> None:
        with dsl.If(mode == "x' == 'x"):
            uncached(score_cell(cell="a"))

    return pipeline


@breaks("loop-item")
def integer_items() -> Any:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        with dsl.ParallelFor(uncached(plan_numbers()).output) as number:
            uncached(score_number(cell=number))

    return pipeline


@breaks("loop-item")
def string_items_for_an_integer_consumer() -> Any:
    @dsl.component(**OURS)
    def plan_untyped() -> list:
        return [1, 2]

    @dsl.pipeline(name="p")
    def pipeline() -> None:
        with dsl.ParallelFor(uncached(plan_untyped()).output) as number:
            uncached(score_number(cell=number))

    return pipeline


@breaks("loop-item")
def field_of_an_item() -> Any:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        with dsl.ParallelFor(uncached(plan_structs()).output) as item:
            uncached(score_cell(cell=item.cell))

    return pipeline


@breaks("loop-item")
def items_of_a_named_output() -> Any:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        with dsl.ParallelFor(uncached(plan_named()).outputs["cells"]) as cell:
            uncached(score_cell(cell=cell))

    return pipeline


@breaks("nested-loop")
def loop_in_a_loop() -> Any:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        with dsl.ParallelFor(["a", "b"]), dsl.ParallelFor(["c", "d"]) as cell:
            uncached(score_cell(cell=cell))

    return pipeline


@breaks("nested-loop")
def loop_in_a_condition_in_a_loop() -> Any:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        with (
            dsl.ParallelFor(["a", "b"]) as outer,
            dsl.If(outer == "a"),
            dsl.ParallelFor(["c", "d"]) as cell,
        ):
            uncached(score_cell(cell=cell))

    return pipeline


@breaks("loop-in-exit-handler")
def loop_in_an_exit_handler() -> Any:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        with dsl.ExitHandler(uncached(say_final())), dsl.ParallelFor(["a", "b"]) as cell:
            uncached(score_cell(cell=cell))

    return pipeline


@breaks("ir-size")
def too_many_tasks() -> Any:
    @dsl.pipeline(name="p")
    def pipeline() -> None:
        for _ in range(40):
            uncached(score_cell(cell="x" * (MAX_IR_BYTES // 40)))

    return pipeline
