"""`themis data`: look at datasets, compare them, take them elsewhere."""

import typer

from pipelines.cli.data_diff import diff
from pipelines.cli.data_export import export
from pipelines.cli.data_show import show


def register(app: typer.Typer) -> None:
    """Add the verb group."""
    group = typer.Typer(no_args_is_help=True, help="Look at datasets, compare them, export them.")
    group.command("show")(show)
    group.command("diff")(diff)
    group.command("export")(export)
    app.add_typer(group, name="data")
