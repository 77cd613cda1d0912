"""`themis recipes`: the recipes there are."""

import json

import typer

from pipelines.cli.options import JsonOption

_SETTINGS = ("training_stage", "base_model", "gpus")
_COLUMNS = ("recipe", *_SETTINGS, "description")
_TITLES = ("recipe", "stage", "base model", "GPUs", "description")


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(recipes)


def recipes(as_json: JsonOption = False) -> None:
    """List the recipes: what each trains, from which base model, on how many GPUs."""
    from pipelines.recipes.reading import read_recipe, recipe_names
    from pipelines.settings import resolve_tasks

    rows = []
    for name in recipe_names():
        shared = resolve_tasks({}, name).shared
        # what a recipe leaves open is not told
        told = [None if shared[key].source == "default" else shared[key].value for key in _SETTINGS]
        rows.append((name, *told, read_recipe(name).description))
    if as_json:
        print(json.dumps([dict(zip(_COLUMNS, row, strict=True)) for row in rows], indent=1))
        return
    for row in (_TITLES, *rows):
        recipe, stage, base_model, gpus, description = ("" if cell is None else str(cell) for cell in row)
        print(f"{recipe:12}  {stage:5}  {base_model:15}  {gpus:>4}  {description}")
