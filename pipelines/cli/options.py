"""Options that several verbs share."""

import enum
from pathlib import Path
from typing import Annotated

import typer


class Pipeline(enum.StrEnum):
    """The pipelines that can be run."""

    dataset = "dataset"
    training = "training"
    evaluation = "evaluation"
    end_to_end = "end_to_end"


class Runner(enum.StrEnum):
    """Where the tasks of a pipeline run."""

    subprocess = "subprocess"
    docker = "docker"


PipelineArgument = Annotated[Pipeline, typer.Argument(help="Which pipeline.")]
RecipeOption = Annotated[
    str, typer.Option("--config", help="A recipe by name (see `themis config show --help`) or a YAML file.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override a setting, e.g. --set deduplicate.threshold=0.8."
    ),
]
RunnerOption = Annotated[
    Runner, typer.Option(help="Child processes of this one, or the real stage images in containers.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
StoreOption = Annotated[
    str | None,
    typer.Option(help="Where datasets go: a folder or gs://BUCKET/PREFIX. Default: in the run folder."),
]
OutputOption = Annotated[
    Path | None, typer.Option(help="Run folder: report, record and store of the run. Default: runs/PIPELINE.")
]
