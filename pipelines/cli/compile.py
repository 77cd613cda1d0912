"""`themis compile`: a pipeline as the YAML that Kubeflow Pipelines takes."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import PipelineArgument


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("compile")(compile_pipeline)


def compile_pipeline(
    pipeline: PipelineArgument,
    output: Annotated[Path | None, typer.Option(help="File to write. Default: PIPELINE.yaml.")] = None,
) -> None:
    """Compile a pipeline to Kubeflow's intermediate representation and check it against our rules."""
    from pipelines.graphs import compile_checked

    target = output or Path(f"{pipeline.value}.yaml")
    compile_checked(pipeline.value, target)
    print(target)
