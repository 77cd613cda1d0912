"""`themis plan`: what a pipeline takes at a scale that nobody tries out first."""

import dataclasses
import json
from typing import Annotated

import typer

from pipelines.cli.options import JsonOption


def register(app: typer.Typer) -> None:
    """Add the verb group."""
    group = typer.Typer(no_args_is_help=True, help="Say what a pipeline takes at scale.")
    # typer makes a group of one command the command itself unless the group has a callback
    group.callback()(lambda: None)
    group.command("dataset")(dataset)
    app.add_typer(group, name="plan")


def dataset(
    commits: Annotated[float, typer.Option(help="Commits that mining gives, e.g. 28e6.")] = 28e6,
    pods: Annotated[int, typer.Option(help="Most pods of a fan-out, of one vCPU each.")] = 20,
    assumptions: Annotated[
        list[str] | None,
        typer.Option("--assume", metavar="NAME=VALUE", help="Another value of a figure that the plan lists."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Pods, hours, memory, storage, network and dollars of each stage, as Markdown, with the source of each figure."""
    from pipelines.scale_plan.dataset_plan import plan_dataset
    from pipelines.scale_plan.document import render
    from pipelines.scale_plan.figures import load_figures

    figures = load_figures().given(assumptions or [])
    plan = plan_dataset(commits, pods, figures)
    if as_json:
        document = {**dataclasses.asdict(plan), "hours": plan.hours, "dollars": plan.dollars}
        print(json.dumps(document, indent=1))
        return
    print(render(plan, figures))
