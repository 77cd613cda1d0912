"""`themis verify`: whether a model gives its published scores here."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.evaluate import (
    ArchitectureOption,
    DtypeName,
    DtypeOption,
    PromptModeName,
    PromptModeOption,
    PromptsOption,
    scoring_settings,
)
from pipelines.cli.options import JsonOption, SetOption

if TYPE_CHECKING:
    from pipelines.verification import Comparison


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(verify)


def verify(
    model: Annotated[
        str, typer.Argument(help="Folder of a reward model, or OWNER/NAME@COMMIT on the Hugging Face hub.")
    ],
    reference: Annotated[
        Path, typer.Option(help="The published scores.parquet of the model, or its folder.")
    ],
    benchmark: Annotated[
        str, typer.Option(help="The benchmark it was scored on, as `themis evaluate` takes it.")
    ],
    rows: Annotated[int, typer.Option(min=2, help="Pairs to score.")] = 200,
    seed: Annotated[int, typer.Option(help="Which pairs: another seed draws others.")] = 7,
    output: Annotated[Path, typer.Option(help="Run folder, to go on from when interrupted.")] = Path(
        "runs/verify"
    ),
    architecture: ArchitectureOption = "auto",
    prompt_mode: PromptModeOption = PromptModeName.none,
    dtype: DtypeOption = DtypeName.stored,
    prompts: PromptsOption = "",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a sample and compare with published scores; exit code 0: they agree, 1: they do not."""
    from pipelines.progress import TaskLines
    from pipelines.single_evaluation import EvaluationRequest
    from pipelines.verification import verify as run_verification

    request = EvaluationRequest(
        benchmark=benchmark,
        models=(model,),
        architecture=architecture,
        prompt_mode=prompt_mode.value,
        settings=scoring_settings(dtype, prompts),
        overrides=tuple(overrides or ()),
    )
    found = run_verification(request, reference, rows=rows, seed=seed, output=output, show=TaskLines().show)
    objections = found.objections()
    if as_json:
        document = {**dataclasses.asdict(found), "agrees": not objections, "objections": objections}
        print(json.dumps(document, indent=1))
    else:
        print("\n".join(_lines(found)))
        print(
            f"verdict: not the published scores: {'; '.join(objections)}" if objections else "verdict: agrees"
        )
    if objections:
        raise typer.Exit(1)


def _lines(found: "Comparison") -> list[str]:
    facts = {
        "correlation": found.correlation,
        "preferences that agree": found.agreement,
        "median difference": found.median_difference,
        "median difference, of the spread of margins": found.relative_difference,
        "largest difference": found.max_difference,
    }
    width = max(map(len, facts))
    return [
        f"{found.compared} of {found.sampled} pairs compared",
        *(f"{name:{width}}  {'-' if value is None else f'{value:.4g}'}" for name, value in facts.items()),
    ]
