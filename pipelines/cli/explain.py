"""`themis explain`: why and where a row was dropped, or where it went."""

import dataclasses
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options import JsonOption

if TYPE_CHECKING:
    from pipelines.explain import Event, Story


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(explain)


def explain(
    row_key: Annotated[
        str,
        typer.Argument(
            metavar="ROW_KEY",
            help="A row key, a commit id, or the beginning of either (6 characters or more).",
        ),
    ],
    run: Annotated[str, typer.Option(metavar="FOLDER", help="The run folder.")],
    as_json: JsonOption = False,
) -> None:
    """Say what a run did with a row: which stage dropped it and why, or where it went."""
    from pipelines.explain import explain

    story = explain(run, row_key)
    if as_json:
        print(json.dumps({"run": run, **dataclasses.asdict(story)}, indent=1))
    else:
        print("\n".join(describe(story)))


def describe(story: "Story") -> Iterator[str]:
    """The lines for people: the end of the story first."""
    yield from _ends(story)
    if story.unfinished:
        yield f"without an output in this run so far: {', '.join(story.unfinished)}"
    width = max(len(event.task) for event in story.events)
    key = ""
    for event in story.events:
        if event.row_key != key:
            key = event.row_key
            yield ""
            yield key + (f"  (of which {story.row_key} was made)" if key in story.origins else "")
        place = f"{event.dataset}/{event.shard}" if event.shard else event.dataset
        if event.fate == "kept":
            yield f"  {event.task:{width}}  kept     {place}"
        elif event.fate == "used":
            yield f"  {event.task:{width}}  used     {place} as a whole"
        else:
            told = f"DROPPED  {_why(event)}" if event.fate == "dropped" else f"became   {_made(event)}"
            yield f"  {event.task:{width}}  {told}"
            yield f"  {'':{width}}           {place}"


def _ends(story: "Story") -> Iterator[str]:
    """What became of the row, or of each row that was made of it."""
    own = [event for event in story.events if event.row_key not in story.origins]
    turned = {event.row_key for event in own if event.fate == "became"}
    read = {event.row_key for event in story.events}
    unread = {key for event in story.events for key in event.became} - read
    for key in dict.fromkeys([event.row_key for event in own if event.row_key not in turned]):
        events = [event for event in own if event.row_key == key]
        dropped = [event for event in events if event.fate == "dropped"]
        for event in dropped:
            yield f"{key} was dropped by {event.task}: {_why(event)}"
        if not dropped:
            yield f"{key} was not dropped; the last task to read it was {events[-1].task}"
    for key in sorted(unread):
        yield f"{key} was not dropped; no further task has read it"


def _made(event: "Event") -> str:
    return ", ".join(event.became) + (f" and {event.siblings} more" if event.siblings else "")


def _why(event: "Event") -> str:
    return f"{event.reason} ({event.detail})" if event.detail else event.reason
