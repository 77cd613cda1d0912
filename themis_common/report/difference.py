"""The line difference between the rejected and the chosen side of a pair, cut to what a page can show.

The texts come from mined repositories. Control and direction-changing characters are made visible (a page that
lets U+202E reorder its text shows code that is not there), and every dimension is bounded.
"""

import difflib
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

CONTEXT_LINES = 3
MAX_SHOWN_LINES = 48
MAX_LINE_CHARS = 160
# Matching is quadratic in the worst case; the common head and tail are cut off before this limit applies.
MAX_COMPARED_LINES = 400
# More marks than this in one line say "rewritten", which the line's own colour says already.
MAX_SPANS = 8

Kind = Literal["same", "removed", "added", "gap"]


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line; `changed` marks what differs from the counterpart line."""

    text: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a difference; a gap stands for `hidden` lines that are not shown."""

    kind: Kind
    spans: tuple[Span, ...] = ()
    hidden: int = 0


def visible(text: str) -> str:
    """`text` with control, format and unassigned characters replaced by their code point in angle brackets."""
    return "".join(
        f"<U+{ord(char):04X}>" if char not in "\t\n" and unicodedata.category(char)[0] == "C" else char
        for char in text
    )


def clipped(text: str, max_chars: int) -> str:
    """The first `max_chars` characters of `text`, visible, with an ellipsis where something was cut."""
    return visible(text[:max_chars]) + ("\u2026" if len(text) > max_chars else "")


def line_difference(old: str, new: str) -> tuple[Line, ...]:
    """The lines to show for a change from `old` to `new`: changed lines in context, at most MAX_SHOWN_LINES."""
    before, after = old.splitlines(), new.splitlines()
    head = _common_length(before, after)
    tail = _common_length(before[head:][::-1], after[head:][::-1])
    middle_before = before[head : len(before) - tail]
    middle_after = after[head : len(after) - tail]

    lines = [_plain("same", text) for text in before[:head]]
    lines += _changed_region(middle_before[:MAX_COMPARED_LINES], middle_after[:MAX_COMPARED_LINES])
    not_compared = sum(max(0, len(side) - MAX_COMPARED_LINES) for side in (middle_before, middle_after))
    if not_compared:
        lines.append(Line("gap", hidden=not_compared))
    lines += [_plain("same", text) for text in before[len(before) - tail :]]
    return _cut(_fold(lines))


def _common_length(left: list[str], right: list[str]) -> int:
    length = 0
    while length < min(len(left), len(right)) and left[length] == right[length]:
        length += 1
    return length


def _plain(kind: Kind, text: str, changed: bool = False) -> Line:
    return Line(kind, (Span(clipped(text, MAX_LINE_CHARS), changed),))


def _changed_region(before: list[str], after: list[str]) -> list[Line]:
    lines: list[Line] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [_plain("same", text) for text in before[i1:i2]]
            continue
        removed = [_plain("removed", text) for text in before[i1:i2]]
        added = [_plain("added", text) for text in after[j1:j2]]
        for index, (old, new) in enumerate(zip(before[i1:i2], after[j1:j2], strict=False)):
            spans = _word_difference(clipped(old, MAX_LINE_CHARS), clipped(new, MAX_LINE_CHARS))
            if spans is not None:
                removed[index], added[index] = Line("removed", spans[0]), Line("added", spans[1])
        lines += removed + added
    return lines


def _word_difference(old: str, new: str) -> tuple[tuple[Span, ...], tuple[Span, ...]] | None:
    """Spans of two counterpart lines, or None where they share too little for marks to help."""
    old_words, new_words = (re.findall(r"\w+|\s+|[^\w\s]", text) for text in (old, new))
    matcher = difflib.SequenceMatcher(None, old_words, new_words, autojunk=False)
    opcodes = matcher.get_opcodes()
    if matcher.ratio() < 0.5 or len(opcodes) > MAX_SPANS:
        return None
    old_spans = tuple(
        Span("".join(old_words[i1:i2]), tag != "equal") for tag, i1, i2, _, _ in opcodes if i2 > i1
    )
    new_spans = tuple(
        Span("".join(new_words[j1:j2]), tag != "equal") for tag, _, _, j1, j2 in opcodes if j2 > j1
    )
    return old_spans, new_spans


def _fold(lines: list[Line]) -> list[Line]:
    """Replace unchanged lines further than CONTEXT_LINES from any change by gaps."""
    changes = [index for index, line in enumerate(lines) if line.kind != "same"]
    near = {
        index for change in changes for index in range(change - CONTEXT_LINES, change + CONTEXT_LINES + 1)
    } or set(range(CONTEXT_LINES))
    folded: list[Line] = []
    hidden = 0
    for index, line in enumerate(lines):
        if index in near:
            if hidden:
                folded.append(Line("gap", hidden=hidden))
                hidden = 0
            folded.append(line)
        else:
            hidden += 1
    if hidden:
        folded.append(Line("gap", hidden=hidden))
    return folded


def _cut(lines: list[Line]) -> tuple[Line, ...]:
    if len(lines) <= MAX_SHOWN_LINES:
        return tuple(lines)
    hidden = sum(line.hidden or 1 for line in lines[MAX_SHOWN_LINES:])
    return (*lines[:MAX_SHOWN_LINES], Line("gap", hidden=hidden))
