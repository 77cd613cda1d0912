"""`themis evaluate`: models on a benchmark, without a pipeline and without writing YAML."""

import enum
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.options import JsonOption, SetOption
from themis_common.errors import UserError


class PromptModeName(enum.StrEnum):
    """Which criteria the system prompt names."""

    none = "none"
    all = "all"
    criterion = "criterion"


class DtypeName(enum.StrEnum):
    """The precision of a model's body."""

    stored = "stored"
    float32 = "float32"
    bfloat16 = "bfloat16"


ArchitectureOption = Annotated[
    str,
    typer.Option(help="See `themis models --architectures`; auto: as the checkpoint shows. Or a baseline."),
]
PromptModeOption = Annotated[
    PromptModeName, typer.Option(help="Criteria named in the system prompt: none, all, or the row's own.")
]
DtypeOption = Annotated[
    DtypeName, typer.Option(help="Precision of the body; stored: as in the checkpoint. Heads are float32.")
]
PromptsOption = Annotated[
    str, typer.Option(help="What `themis prompts import` wrote, to score under the published wording.")
]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(evaluate)


def evaluate(
    benchmark: Annotated[
        str,
        typer.Option(
            help="A parquet file, a folder of them, or OWNER/NAME@COMMIT[:PATH] on the Hugging Face hub."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Run folder: scores.parquet, results.json, report/, store/.")],
    model: Annotated[
        list[str] | None,
        typer.Option(help="Folder of a reward model, or OWNER/NAME@COMMIT on the hub; may be repeated."),
    ] = None,
    architecture: ArchitectureOption = "auto",
    prompt_mode: PromptModeOption = PromptModeName.none,
    dtype: DtypeOption = DtypeName.stored,
    prompts: PromptsOption = "",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a benchmark with reward models; finished work of an earlier attempt is not done again.

    A model that cannot be scored leaves a gap: the others are scored all the same, and the exit code is 2.
    """
    from pipelines.progress import TaskLines
    from pipelines.single_evaluation import EvaluationRequest, run_evaluation
    from themis_common.report.markdown import render_markdown
    from themis_common.report.summary import summary

    request = EvaluationRequest(
        benchmark=benchmark,
        models=tuple(model or ()),
        architecture=architecture,
        prompt_mode=prompt_mode.value,
        settings=scoring_settings(dtype, prompts),
        overrides=tuple(overrides or ()),
    )
    evaluated = run_evaluation(request, output, TaskLines().show)
    places = {
        cell: {"scores": str(form.scores), "results": str(form.results)}
        for cell, form in evaluated.published.items()
    }
    if as_json:
        board: Any = summary(evaluated.report)["leaderboard"]
        print(json.dumps({"leaderboard": board, "published": places}, indent=1))
    else:
        print(render_markdown(evaluated.report), end="")
        for cell, files in places.items():
            print(f"{cell}: {files['scores']}, {files['results']}")
        print(f"report: {output / 'report' / 'index.html'}")
    for line in evaluated.user_errors:
        print(f"error: {line}", file=sys.stderr)
    if evaluated.user_errors:
        raise typer.Exit(2)


def scoring_settings(dtype: DtypeName, prompts: str) -> dict[str, Any]:
    """The settings behind the options of scoring.

    Raises:
        UserError: there is no file of prompts.
    """
    if prompts and "://" not in prompts and not Path(prompts).is_file():
        raise UserError(f"--prompts: {prompts} is no file; make it with: themis prompts import SOURCE")
    return {"score_benchmark.dtype": dtype.value, "prompts": prompts}
