"""`themis run`: a whole pipeline."""

import json
import sys
from pathlib import Path

import typer

from pipelines.cli.options import (
    JsonOption,
    OutputOption,
    PipelineArgument,
    RecipeOption,
    Runner,
    RunnerOption,
    SetOption,
    StoreOption,
)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(run)


def run(
    pipeline: PipelineArgument,
    config: RecipeOption = "local",
    overrides: SetOption = None,
    runner: RunnerOption = Runner.subprocess,
    output: OutputOption = None,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a pipeline to its report; finished work of an earlier attempt is not done again."""
    folder = output or Path("runs") / pipeline.value
    run_and_report(pipeline.value, config, overrides or [], runner.value, folder, store, as_json=as_json)


def run_and_report(
    pipeline: str,
    recipe: str,
    overrides: list[str],
    runner: str,
    folder: Path,
    store: str | None,
    *,
    as_json: bool,
) -> None:
    """Run a pipeline, then print what came of it and where the report is.

    Exits with 2 where the user has something to mend, even if there is a report of the rest, and with 1 when the run
    failed otherwise.
    """
    from pipelines.execute import execute

    outcome = execute(pipeline, recipe, overrides, runner, folder, store)
    if outcome.summary:
        if as_json:
            print(json.dumps(outcome.summary, indent=1))
        else:
            from rich.console import Console
            from rich.markdown import Markdown

            Console().print(Markdown(outcome.markdown))
        print(f"report: {outcome.report}", file=sys.stderr)
    for line in outcome.user_errors:
        print(f"error: {line}", file=sys.stderr)
    if outcome.failure:
        print(f"failed: {outcome.failure}; log: {outcome.log}", file=sys.stderr)
    if outcome.user_errors:
        raise typer.Exit(2)
    if outcome.failure:
        raise typer.Exit(1)
