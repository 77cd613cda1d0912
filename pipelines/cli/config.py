"""`themis config show`: the resolved configuration and where each value comes from."""

import json
from typing import Annotated

import typer

from pipelines.cli.options import JsonOption, Pipeline, SetOption


def register(app: typer.Typer) -> None:
    """Add the verb group."""
    group = typer.Typer(no_args_is_help=True, help="Look at recipes and their values.")
    group.command("show")(show)
    app.add_typer(group, name="config")


def show(
    recipe: Annotated[
        str | None,
        typer.Argument(
            help="A recipe by name or a YAML file, or several joined by commas; left out: list them."
        ),
    ] = None,
    pipeline: Annotated[Pipeline, typer.Option(help="Whose tasks to show.")] = Pipeline.end_to_end,
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print every value of a recipe with its source."""
    from pipelines.recipes.reading import recipe_names
    from pipelines.settings import SHARED, describe_options, resolve
    from pipelines.tasks import ALL_TASKS

    if recipe is None:
        print(json.dumps(recipe_names()) if as_json else "\n".join(recipe_names()))
        return
    resolved = resolve(pipeline.value, recipe, overrides or [])
    sections = {"shared": resolved.shared, **resolved.tasks}
    if as_json:
        document = {
            name: {key: vars(value) for key, value in section.items()} for name, section in sections.items()
        }
        print(json.dumps(document, indent=1))
        return
    for name, section in sections.items():
        helps = (
            {key: setting.help for key, setting in SHARED.items()}
            if name == "shared"
            else dict(describe_options(ALL_TASKS[name]))
        )
        print(f"{name}:" if name == "shared" else f"{name}:  # {ALL_TASKS[name]}")
        for key, value in section.items():
            print(f"  {key}: {json.dumps(value.value)}  # {value.source}; {helps[key]}")
