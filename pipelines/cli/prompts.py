"""`themis prompts import`: take the published system prompts from where the user has them."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from themis_common.errors import UserError


def register(app: typer.Typer) -> None:
    """Add the verb group."""
    group = typer.Typer(no_args_is_help=True, help="The system prompts that models are scored under.")
    group.command("import")(import_prompts)
    app.add_typer(group, name="prompts")


def import_prompts(
    source: Annotated[
        str,
        typer.Argument(
            metavar="PATH|HUB_ID@REV:FILE",
            help="A folder or file with the texts, or a file of a hub repository at a commit.",
        ),
    ],
    output: Annotated[Path, typer.Option(help="The file to write.")] = Path("runs/prompts.json"),
) -> None:
    """Check the published prompts by hash and store them, to score with: --set prompts=FILE."""
    from themis_common.hub import fetch_hub_file, hub_source
    from themis_common.prompts.published import find_prompts
    from themis_common.store import open_store

    if output.is_dir():
        raise UserError(f"--output: {output} is a folder; name the file to write")
    with tempfile.TemporaryDirectory() as folder:
        on_hub = hub_source(source)
        path = fetch_hub_file(on_hub, Path(folder)) if on_hub else Path(source)
        prompts = find_prompts(path)
    open_store(output.parent).write_bytes(output.name, prompts.to_json().encode())
    print(f"{output}: the six published prompts, checked")
