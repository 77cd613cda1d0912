"""`themis aggregate`: statistics from score files, without a model and without torch."""

import enum
import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import JsonOption


class ClusterBy(enum.StrEnum):
    """What is independent."""

    prompt = "prompt"
    subset = "subset"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(aggregate)


def aggregate(
    scores: Annotated[
        list[str],
        typer.Argument(
            metavar="SCORES...",
            help="Published runs (scores.parquet, or its folder) or datasets of scores, one for each model.",
        ),
    ],
    benchmark: Annotated[
        str | None,
        typer.Option(
            help="The benchmark they were scored on; adds length bias and clusters of equal prompts."
        ),
    ] = None,
    reference: Annotated[
        str, typer.Option(help="The run that the others are compared with. Default: the most accurate one.")
    ] = "",
    cluster_by: Annotated[ClusterBy, typer.Option(help="Pairs that are right or wrong together.")] = (
        ClusterBy.prompt
    ),
    output: Annotated[
        Path | None, typer.Option(help="Folder for results.jsonl and report/index.html.")
    ] = None,
    compat: Annotated[
        Path | None, typer.Option(help="Also write the results of a single run in the published form.")
    ] = None,
    compat_variant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[RUN=]FORM",
            help="The published form of a run: base, lmunit (a score of 0 means that nothing could be read) or r3 "
            "(failures by pair). Among several runs RUN=FORM, once for each. Default: base.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Accuracy, ranks, biases and comparisons of scored models."""
    from pipelines.aggregate import aggregate_runs, published_forms, write_compat, write_statistics
    from pipelines.score_files import read_as, read_runs
    from themis_common.errors import UserError
    from themis_common.report.markdown import render_markdown

    if compat and len(scores) > 1:
        raise UserError(f"--compat writes the results of one run, found {len(scores)}; give one SCORES")
    found = read_runs(scores)
    forms = published_forms(compat_variant or [], [run.name for run in found])
    if compat:
        write_compat(scores[0], compat, forms[found[0].name])
    runs = [read_as(run, forms[run.name]) for run in found]
    statistics = aggregate_runs(runs, benchmark=benchmark, reference=reference, cluster_by=cluster_by.value)
    if output:
        write_statistics(statistics, output)
    if as_json:
        print(json.dumps(statistics.rows, indent=1, allow_nan=False))
    else:
        print(render_markdown(statistics.report), end="")
