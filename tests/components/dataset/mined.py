"""Rows of the tables before rating, for tests of the stages that mine, filter, retrieve and deduplicate."""

from typing import Any

from themis_common.hashing import row_key


def commit_row(commit: str, **values: Any) -> dict[str, Any]:
    """A mined change of a Python file, with any values replaced."""
    row = {
        "row_key": row_key(commit),
        "commit": commit,
        "parent": f"parent of {commit}",
        "repos": ["acme/shop"],
        "licenses": ["mit"],
        "subject": "Fix the null check in the parser",
        "message": "Fix the null check in the parser",
        "path": "shop/parser.py",
        "old_blob": "0" * 40,
        "new_blob": "1" * 40,
        "unix_time": 1_500_000_000,
    }
    return {**row, **values}


def filtered_row(commit: str, **values: Any) -> dict[str, Any]:
    """The same after the language filter."""
    return {**commit_row(commit), "language": "Python", **values}


def change_row(commit: str, **values: Any) -> dict[str, Any]:
    """The same with contents."""
    contents = {"repo": "acme/shop", "old_contents": "x = 1\n", "new_contents": "x = 2\n"}
    return {**filtered_row(commit), **contents, **values}
