"""`themis train`: training without a pipeline, and what it would take."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import JsonOption, SetOption
from themis_common.errors import UserError

if TYPE_CHECKING:
    from pipelines.single_training import TrainingRequest
    from pipelines.training_plan.planning import HardwareRequest

_PLANNING = "Planning"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(train)


def train(
    recipe: Annotated[
        str,
        typer.Option(
            help="A recipe by name (see `themis recipes`) or a YAML file; or several joined by commas."
        ),
    ] = "",
    data: Annotated[
        str, typer.Option(help="Preference pairs: a dataset, or a parquet or JSONL file or a folder of them.")
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option(help="Run folder: trained/ (both heads), model/ (to serve), report/, store/."),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Folder of the model to start from, or `tiny` to make one on the spot.")
    ] = "",
    overrides: SetOption = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Train nothing; say what it would take.", rich_help_panel=_PLANNING)
    ] = False,
    gpus: Annotated[
        int | None,
        typer.Option(min=1, help="GPUs over all machines. Default: the recipe's.", rich_help_panel=_PLANNING),
    ] = None,
    gpu: Annotated[
        str | None,
        typer.Option(
            help="l4, a100-40g, a100-80g, h100, h200 or b200. Default: h100, or the kind that has --memory.",
            rich_help_panel=_PLANNING,
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(help="Memory of each GPU, e.g. 24G. Default: that of --gpu.", rich_help_panel=_PLANNING),
    ] = None,
    host_memory: Annotated[
        str | None,
        typer.Option(
            help="Memory of a machine for each of its GPUs. Default: that of machines for rent.",
            rich_help_panel=_PLANNING,
        ),
    ] = None,
    mfu: Annotated[
        float | None,
        typer.Option(
            help="Share of the FLOP/s of a GPU that executed FLOPs reach. Default: 0.4.",
            rich_help_panel=_PLANNING,
        ),
    ] = None,
    price_per_gpu_hour: Annotated[
        float | None, typer.Option(min=0, help="In any currency.", rich_help_panel=_PLANNING)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Train a reward model on preference pairs; finished work of an earlier attempt is not done again.

    Options of the training stage may be set without the name of the task, e.g. --set epochs=2. Without a recipe, --plan
    tells of all published ones.
    """
    from pipelines.single_training import TrainingRequest
    from pipelines.training_plan.planning import HardwareRequest

    request = TrainingRequest(recipe=recipe, overrides=tuple(overrides or ()), data=data, model=model)
    said: dict[str, Any] = {
        "gpus": gpus,
        "gpu": gpu,
        "memory": memory,
        "host_memory": host_memory,
        "utilisation": mfu,
        "price": price_per_gpu_hour,
    }
    given = {name: value for name, value in said.items() if value is not None}
    if plan:
        _plan(request, HardwareRequest(**given), as_json=as_json)
        return
    if given:
        raise UserError("options about hardware belong to --plan; training takes the GPUs that it finds")
    for name, value in {"--recipe": recipe, "--data": data, "--output": output}.items():
        if not value:
            raise UserError(f"{name} is missing; training needs --recipe NAME --data PATH --output DIR")
    assert output is not None
    _train(request, output, as_json=as_json)


def _plan(request: "TrainingRequest", hardware: "HardwareRequest", *, as_json: bool) -> None:
    from pipelines.progress import TaskLines
    from pipelines.training_plan.description import overview_lines, plan_document, plan_lines
    from pipelines.training_plan.planning import make_plan, published_plans

    if not request.recipe:
        if request.data or request.model or request.overrides:
            raise UserError("--recipe is missing; only published recipes as they are can be planned without")
        plans = list(published_plans(hardware))
        if as_json:
            print(json.dumps({name: plan_document(one) for name, one in plans}, indent=1))
        else:
            print("\n".join(overview_lines(plans)))
        return
    one = make_plan(request, hardware, TaskLines().show)
    print(json.dumps(plan_document(one), indent=1) if as_json else "\n".join(plan_lines(one)))


def _train(request: "TrainingRequest", output: Path, *, as_json: bool) -> None:
    from pipelines.progress import TaskLines
    from pipelines.single_training import EXPORTED, TRAINED, run_training
    from themis_common.report.run import write_report
    from themis_common.report.summary import summary
    from themis_common.stages.task import RunFolder

    try:
        run_training(request, output, TaskLines().show)
    except SystemExit:
        print("stopped, with all work saved; run the same command again to go on", file=sys.stderr)
        raise
    training = summary(write_report(RunFolder(str(output.absolute()))))["training"][0]
    places = {
        "trained": str(output / TRAINED),
        "model": str(output / EXPORTED),
        "report": str(output / "report" / "index.html"),
    }
    if as_json:
        print(json.dumps({**places, **training}, indent=1))
        return
    print(f"{training['name']}: {training['remark']}")
    for name, ends in training["curves"].items():
        print(f"  {name}: {ends['first']:.4f} -> {ends['last']:.4f}")
    print(f"both heads, to go on from: {places['trained']}")
    print(f"reward model, to serve: {places['model']}")
    print(f"report: {places['report']}", file=sys.stderr)
