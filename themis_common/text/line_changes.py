"""Which lines a change removes and adds."""

import difflib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LineChanges:
    """Lines that only the old text had, and lines that only the new text has, each in order."""

    removed: tuple[str, ...]
    added: tuple[str, ...]


def line_changes(old: str, new: str) -> LineChanges:
    """Compare as a line-by-line diff does; a changed line is one removed and one added.

    Lines end at line feeds only, as git has it.
    """
    before, after = old.split("\n"), new.split("\n")
    # what both ends share needs no search, and in a commit that is nearly everything
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    before, after = before[start : len(before) - end], after[start : len(after) - end]
    removed: list[str] = []
    added: list[str] = []
    for kind, from_old, to_old, from_new, to_new in difflib.SequenceMatcher(
        None, before, after
    ).get_opcodes():
        if kind != "equal":
            removed += before[from_old:to_old]
            added += after[from_new:to_new]
    return LineChanges(tuple(removed), tuple(added))
