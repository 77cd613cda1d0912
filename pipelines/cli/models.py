"""`themis models`: the reward-model architectures, and the published models with what each takes to score."""

import json
from typing import Annotated, Any

import typer

from pipelines.cli.options import JsonOption


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("models")(models)


def models(
    architectures: Annotated[
        bool, typer.Option("--architectures", help="List the architectures instead of the published models.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the published reward models with architecture, GPUs and image."""
    rows = _architectures() if architectures else _published()
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    _print_table(rows)


def _published() -> list[dict[str, Any]]:
    from themis_common.architectures.published import published_models

    return [
        {
            "model": model.hub_id,
            "architecture": model.architecture,
            "billions": model.billions,
            "gpus": model.gpus,
            "gpu_memory": "80 GB",
            "image": model.row.image,
            "published_script": model.script,
            "note": model.note,
        }
        for model in published_models()
    ]


def _architectures() -> list[dict[str, Any]]:
    from themis_common.architectures import ARCHITECTURES

    return [
        {
            "architecture": row.name,
            "kind": row.kind,
            "image": row.image,
            "detected": "yes" if row.readout and row.readout.detectable else "no",
            "description": row.description,
        }
        for row in ARCHITECTURES.values()
    ]


def _print_table(rows: list[dict[str, Any]]) -> None:
    # plain columns, which a pipe to grep or less keeps whole
    names = list(rows[0])
    lines = [names, *([str(value) for value in row.values()] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
