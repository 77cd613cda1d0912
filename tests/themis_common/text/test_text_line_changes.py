"""Removed and added lines."""

import pytest

from themis_common.text.line_changes import LineChanges, line_changes


@pytest.mark.parametrize(
    ("old", "new", "removed", "added"),
    [
        ("a\nb\nc\n", "a\nb\nc\n", (), ()),
        ("a\nb\nc\n", "a\nx\nc\n", ("b",), ("x",)),
        ("a\nb\n", "a\nx\ny\nb\n", (), ("x", "y")),
        ("a\nb\nc\nd\n", "a\nd\n", ("b", "c"), ()),
        ("a\na\n", "a\na\na\n", (), ("a",)),
        ("1\nb\n2\nd\n3\n", "0\nb\n2\ne\n4\n", ("1", "d", "3"), ("0", "e", "4")),
        ("a\r\nb", "a\nb", ("a\r",), ("a",)),
        ("a\x0cb", "a\x0cc", ("a\x0cb",), ("a\x0cc",)),
        ("", "a\n", (), ("a",)),
    ],
)
def test_lines_are_compared_as_a_diff_compares_them(
    old: str, new: str, removed: tuple[str, ...], added: tuple[str, ...]
) -> None:
    assert line_changes(old, new) == LineChanges(removed, added)
