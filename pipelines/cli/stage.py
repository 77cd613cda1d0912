"""`themis stage`: one stage alone."""

import json
from typing import Annotated

import typer

from pipelines.cli.options import JsonOption, RecipeOption, SetOption


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(stage)


def stage(
    name: Annotated[str, typer.Argument(metavar="PHASE.STAGE", help="For example dataset.deduplicate.")],
    output: Annotated[str, typer.Option(help="Where to write the dataset.")],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="[NAME=]DIR",
            help="An input: a dataset, or plain parquet or JSONL with the right columns.",
        ),
    ] = None,
    config: RecipeOption = "local",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run one stage on datasets or plain files."""
    from pipelines.single_stage import run_single_stage

    report = run_single_stage(name, inputs or [], output, config, overrides or [])
    counts = report.manifest.counts
    if as_json:
        print(
            json.dumps(
                {"uri": report.uri, "cached": report.cached, **json.loads(report.manifest.to_json())},
                indent=1,
            )
        )
        return
    state = "was finished already" if report.cached else f"took {report.seconds:.1f} s"
    print(f"{report.manifest.rows:,} rows in {report.uri}; {state}")
    print(f"in {counts.keys_in:,} = emitted {counts.emitted:,} + dropped {dict(counts.dropped)}")
