"""What of a change is compared with other changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from themis_common.text.line_changes import line_changes


@dataclass(frozen=True)
class ComparedText:
    """A text made of some columns of a change."""

    columns: tuple[str, ...]
    of: Callable[[Mapping[str, Any]], str]


def _changed_lines(row: Mapping[str, Any]) -> str:
    changes = line_changes(row["old_contents"], row["new_contents"])
    return "\n".join((*changes.removed, *changes.added))


COMPARED: dict[str, ComparedText] = {
    "new_contents": ComparedText(("new_contents",), lambda row: str(row["new_contents"])),
    "old_contents": ComparedText(("old_contents",), lambda row: str(row["old_contents"])),
    "changed_lines": ComparedText(("old_contents", "new_contents"), _changed_lines),
}
"""By the name of the option."""

BATCH_BYTES = 4 << 20
"""How much text is handed to an engine at once."""
