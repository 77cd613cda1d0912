"""Tables in Markdown whose cells may hold anything."""

from collections.abc import Callable, Sequence


def _escaped(text: str) -> str:
    """Text that stays inside its cell, since names come from files that others wrote; other markup is left."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def markdown_table(
    head: Sequence[str], rows: Sequence[Sequence[object]], escaped: Callable[[str], str] = _escaped
) -> str:
    """The table as lines of text, without a line end after the last.

    Args:
        escaped: makes text of a cell that keeps to one line and has no bare `|`.
    """
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(escaped(str(cell)) for cell in line) + " |" for line in lines)
