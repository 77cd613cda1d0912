"""`themis store gc`: delete outputs that no kept run needs."""

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import JsonOption

if TYPE_CHECKING:
    from pipelines.store_gc import Plan


def register(app: typer.Typer) -> None:
    """Add the verb group."""
    group = typer.Typer(no_args_is_help=True, help="Look after stores.")
    # typer makes a group of one command the command itself unless the group has a callback
    group.callback()(lambda: None)
    group.command("gc")(gc)
    app.add_typer(group, name="store")


def gc(
    locations: Annotated[
        list[str],
        typer.Argument(metavar="STORE_OR_RUN...", help="Run folders, folders of runs, or stores; all local."),
    ],
    keep_runs: Annotated[int, typer.Option(min=1, help="How many of the newest runs of each store to keep.")],
    unfinished_days: Annotated[
        float, typer.Option(min=0, help="Days without a change after which an unfinished output goes.")
    ] = 7.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete outputs that none of the newest runs of a store need, directly or as an input.

    The runs of a store are those among the given folders, and beside them, whose configuration names it: also name
    folders of runs that lie elsewhere. Refuses while a `themis` process on this machine is at work in one of them; runs
    on other machines cannot be seen.
    """
    from pipelines.store_gc import carry_out, plan

    plans = plan(locations, keep_runs, unfinished_days, time.time())
    if not dry_run:
        for one in plans:
            carry_out(one)
    if as_json:
        print(json.dumps({"dry_run": dry_run, "stores": [_document(one) for one in plans]}, indent=1))
        return
    for one in plans:
        print("\n".join(_lines(one, dry_run=dry_run)))


def _lines(plan: "Plan", *, dry_run: bool) -> list[str]:
    did = "would delete" if dry_run else "deleted"
    lines = [f"{plan.store}: keeps {', '.join(str(run.folder) for run in plan.kept_runs)}"]
    for deletion in plan.deletions:
        name = deletion.folder.relative_to(plan.store)
        lines.append(f"  {did} {name}  {deletion.bytes:,} bytes  ({deletion.why})")
    lines.append(f"  {did} {len(plan.deletions)} outputs, {plan.bytes:,} bytes; {len(plan.kept)} stay")
    return lines


def _document(plan: "Plan") -> dict[str, Any]:
    return {
        "store": str(plan.store),
        "kept_runs": [str(run.folder) for run in plan.kept_runs],
        "other_runs": [str(run.folder) for run in plan.other_runs],
        "kept": [str(output.folder) for output in plan.kept],
        "deleted": [
            {"folder": str(deletion.folder), "bytes": deletion.bytes, "why": deletion.why}
            for deletion in plan.deletions
        ],
        "bytes": plan.bytes,
    }
