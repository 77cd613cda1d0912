"""`themis data diff`: compare two datasets by row key."""

import dataclasses
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipelines.cli.options import JsonOption

if TYPE_CHECKING:
    from themis_common.datasets.diff import Difference

_VALUE_CHARS = 60
_BEFORE = 15
"""Characters shown before the place where two values part."""


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="Location of a dataset.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Location of another one.")],
    table: Annotated[str, typer.Option(help="The table: data, rejected or a side table.")] = "data",
    samples: Annotated[int, typer.Option(min=0, help="Row keys to name of each kind of difference.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Compare two datasets by row key, however they are sharded.

    Exit code 0 when they are equal, 1 when they differ, 2 for wrong use. Memory: some 230 bytes and 8 for each column,
    for every row of A.
    """
    from themis_common.datasets.diff import compare

    difference = compare(a, b, table, samples)
    if as_json:
        print(json.dumps({"equal": difference.equal, **dataclasses.asdict(difference)}, indent=1))
    else:
        print("\n".join(describe(difference)))
    if not difference.equal:
        raise typer.Exit(1)


def describe(difference: "Difference") -> list[str]:
    """The lines for people."""
    if difference.equal:
        return [f"equal: {difference.rows[0]:,} rows"]
    lines = [f"A has {difference.rows[0]:,} rows, B has {difference.rows[1]:,}"]
    lines += [f"schema: {line}" for line in difference.schema]
    lines.append(_counted("only in A", difference.only_in_a, difference.keys_only_in_a))
    lines.append(_counted("only in B", difference.only_in_b, difference.keys_only_in_b))
    columns = ", ".join(f"{name} {number:,}" for name, number in difference.columns.items())
    lines.append(f"changed: {difference.changed:,}" + (f"  in {columns}" if columns else ""))
    for row in difference.samples:
        lines.append(f"  {row.row_key}")
        for name, (before, after) in row.values.items():
            start = max(0, _parting(repr(before), repr(after)) - _BEFORE)
            lines.append(f"    {name}: {_excerpt(before, start)} -> {_excerpt(after, start)}")
    return lines


def _counted(what: str, number: int, keys: tuple[str, ...]) -> str:
    return f"{what}: {number:,}" + (f"  e.g. {', '.join(keys)}" if keys else "")


def _parting(left: str, right: str) -> int:
    """The position of the first character that differs."""
    pairs = enumerate(zip(left, right, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(left), len(right)))


def _excerpt(value: Any, start: int) -> str:
    text = repr(value)
    end = start + _VALUE_CHARS
    return ("..." if start else "") + text[start:end] + ("..." if end < len(text) else "")
