"""`themis score`: scores of pairs, of candidates (best of n) or of single responses in a file."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options import JsonOption


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(score)


def score(
    model: Annotated[str, typer.Option(help="Reward model: a folder, or a dataset of its files.")],
    source: Annotated[
        Path,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Parquet or JSONL with the columns prompt and chosen, rejected; or prompt and candidates, a list; or "
            "prompt and response.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The same rows with scores; its name ends as that of the input."),
    ],
    criteria: Annotated[
        str,
        typer.Option(
            help="Criteria to judge by, joined by commas, each with columns of its own; all: one prompt that names "
            "the five; none: no system prompt."
        ),
    ] = "all",
    prompts: Annotated[
        str,
        typer.Option(
            metavar="FILE",
            help="What `themis prompts import` wrote: score under the published wording. Default: under ours.",
        ),
    ] = "",
    architecture: Annotated[
        str,
        typer.Option(help="How the model is read out, where its files do not show it (`themis models`)."),
    ] = "auto",
    max_tokens: Annotated[
        int, typer.Option(min=1, help="Longest conversation; a longer one is not cut but left without score.")
    ] = 4096,
    batch_tokens: Annotated[
        int, typer.Option(min=1, help="Tokens computed at once, shared prefixes once; bounds memory.")
    ] = 8192,
    as_json: JsonOption = False,
) -> None:
    """Score pairs, candidates or single responses with a scalar reward model.

    For each criterion: the scores; of pairs the margin, of candidates the index of the winner and its margin over the
    next; and why a response has no score.
    """
    from pipelines.scoring.columns import summary_line
    from pipelines.scoring.run import ScoreRequest, score_file
    from themis_common.progress import Progress

    request = ScoreRequest(
        model=model,
        input=source,
        output=output,
        criteria=criteria,
        prompts=prompts,
        architecture=architecture,
        max_tokens=max_tokens,
        batch_tokens=batch_tokens,
    )
    counts = score_file(request, Progress("score"))
    if as_json:
        print(json.dumps({"output": str(output), "criteria": counts}, indent=1))
        return
    for name, summary in counts.items():
        print(summary_line(name, summary))
    print(output)
