"""Tables in Markdown whose cells may hold anything."""

from collections.abc import Sequence


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """The table as lines of text, without a line end after the last."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    """Text that stays inside its cell: names of sources come from files that others wrote."""
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")
