"""`themis demo`: everything on sample data."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import JsonOption, Runner, RunnerOption, SetOption, StoreOption
from pipelines.cli.run import run_and_report


class Size(enum.StrEnum):
    """How much sample data."""

    small = "small"
    full = "full"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(demo)


def demo(
    output: Annotated[Path, typer.Option(help="Run folder: sample data, store and report.")] = Path(
        "runs/demo"
    ),
    size: Annotated[
        Size, typer.Option(help="Three repositories (a minute) or eleven (a few minutes).")
    ] = Size.full,
    overrides: SetOption = None,
    runner: RunnerOption = Runner.subprocess,
    store: StoreOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write sample data and run the whole pipeline on it: mine, train, evaluate, report."""
    from pipelines.execute import check_writable
    from pipelines.run_lock import alone_in
    from pipelines.sample_data import write_sample_data

    check_writable(output)
    with alone_in(output):
        sample = write_sample_data(output / "sample", size=size.value)
    inputs = [
        f"git_repos=[{', '.join(repr(str(repository)) for repository in sample.repositories)}]",
        f"general_pairs={sample.general_pairs}",
        f"benchmark={sample.benchmark}",
    ]
    values = [*inputs, *(overrides or [])]
    run_and_report("end_to_end", "demo", values, runner.value, output, store, as_json=as_json)
