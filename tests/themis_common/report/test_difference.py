"""The line difference of an example pair."""

import time

from themis_common.report.difference import MAX_LINE_CHARS, MAX_SHOWN_LINES, Line, line_difference, visible


def _shape(lines: tuple[Line, ...]) -> list[tuple[str, str | int]]:
    return [(line.kind, line.hidden or "".join(span.text for span in line.spans)) for line in lines]


def test_changes_in_context_with_gaps() -> None:
    old = [f"line {number}" for number in range(20)]
    new = [*old[:10], "inserted", *old[10:]]
    assert _shape(line_difference("\n".join(old), "\n".join(new))) == [
        ("gap", 7),
        *[("same", f"line {number}") for number in (7, 8, 9)],
        ("added", "inserted"),
        *[("same", f"line {number}") for number in (10, 11, 12)],
        ("gap", 7),
    ]


def test_words_that_differ_are_marked() -> None:
    removed, added = line_difference("total = total + value", "total = total + fee")
    assert [(span.text, span.changed) for span in removed.spans] == [
        ("total = total + ", False),
        ("value", True),
    ]
    assert [(span.text, span.changed) for span in added.spans] == [("total = total + ", False), ("fee", True)]


def test_lines_with_nothing_in_common_are_not_marked() -> None:
    removed, added = line_difference("alpha beta gamma", "while (1) { x(); }")
    assert [span.changed for line in (removed, added) for span in line.spans] == [False, False]


def test_equal_texts_and_empty_texts() -> None:
    assert _shape(line_difference("a\nb\nc\nd", "a\nb\nc\nd")) == [
        *[("same", letter) for letter in "abc"],
        ("gap", 1),
    ]
    assert _shape(line_difference("", "a")) == [("added", "a")]
    assert line_difference("", "") == ()


def test_everything_is_bounded() -> None:
    old = "\n".join(f"{number} {'x' * 1000}" for number in range(5000))
    new = "\n".join(f"{'y' * 1000} {number}" for number in range(5000))
    began = time.perf_counter()
    lines = line_difference(old, new)
    assert time.perf_counter() - began < 5
    assert len(lines) == MAX_SHOWN_LINES + 1
    assert lines[-1].kind == "gap"
    shown = sum(1 for line in lines if line.kind != "gap")
    assert shown + sum(line.hidden for line in lines) == 10_000
    assert max(len(span.text) for line in lines for span in line.spans) == MAX_LINE_CHARS + 1


def test_visible_keeps_ordinary_text() -> None:
    assert visible("caf\u00e9 \u4f60\u597d\tx\n") == "caf\u00e9 \u4f60\u597d\tx\n"
    assert visible("a\u202eb\x00\u200b\r") == "a<U+202E>b<U+0000><U+200B><U+000D>"
