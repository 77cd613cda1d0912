"""Synthetic changes with planted duplicates: as many as asked for, equal for equal seeds, made shard by shard.

A tenth are exact copies of another row, a tenth near-copies (a few words differ), the others are of nothing but their
own words. Files are short, so that millions of them fit a small disk; what is measured with them is rows, not bytes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from themis_common.config import NoConfig
from themis_common.schemas import CHANGES
from themis_common.stages import Context, Stage, UnitOutput, run_stage

RowsBetween = Callable[[int, int], Iterator[dict[str, Any]]]

ROWS_PER_SHARD = 100_000
_WORDS_PER_LINE = 8
_VERBS = ("get", "set", "make", "read", "write", "find", "close", "parse")
_NOUNS = (
    "user",
    "file",
    "row",
    "token",
    "node",
    "cache",
    "image",
    "order",
    "frame",
    "query",
    "batch",
    "store",
)
_WORDS = tuple(f"{verb}_{noun}_{number}" for verb in _VERBS for noun in _NOUNS for number in range(60))


@dataclass(frozen=True, kw_only=True)
class Synthetic:
    """How many changes of how many words, from which seed."""

    rows: int
    words: int = 90
    seed: int = 7

    def rows_between(self, first: int, last: int) -> Iterator[dict[str, Any]]:
        """The changes from number `first` up to, and not including, `last`."""
        for number in range(first, last):
            words = self._words_of(number)
            edited = [*words[:40], "check", *words[40:]]
            yield change_row(number, old=_layout(words), new=_layout(edited))

    @property
    def num_copies(self) -> int:
        """How many rows are exact copies of an earlier one."""
        return (self.rows + 8) // 10

    def _words_of(self, number: int) -> list[str]:
        match number % 10:
            case 1:
                return self._words_of(number - 1)
            case 2:
                words = self._words_of(number - 2)
                words[number % len(words)] = f"changed_{number}"
                return words
        return Random(self.seed << 40 | number).choices(_WORDS, k=self.words)


def change_row(number: int, *, new: str, old: str = "") -> dict[str, Any]:
    """A change of a Python file; its number is its key and its time."""
    return {
        "row_key": f"{number:032x}",
        "commit": f"{number:040x}",
        "parent": f"{number + 1:040x}",
        "repos": [f"owner/project{number % 1000}"],
        "licenses": ["mit"],
        "subject": f"Change number {number}",
        "message": f"Change number {number}",
        "path": f"src/module{number % 500}.py",
        "old_blob": f"{2 * number:040x}",
        "new_blob": f"{2 * number + 1:040x}",
        "unix_time": number,
        "language": "Python",
        "repo": f"owner/project{number % 1000}",
        "old_contents": old,
        "new_contents": new,
    }


def write_changes(folder: Path, changes: Synthetic) -> str:
    """Write them as a dataset with ROWS_PER_SHARD rows in a shard; returns its location."""
    return _write(folder, changes.rows, changes.rows_between)


def write_documents(folder: Path, documents: Iterable[str]) -> str:
    """Write a change for each document, with the document as the file after it; returns the dataset's location."""
    rows = [change_row(number, new=document) for number, document in enumerate(documents)]
    return _write(folder, len(rows), lambda first, last: iter(rows[first:last]))


def _write(folder: Path, number: int, rows_between: RowsBetween) -> str:
    def plan(context: Context[NoConfig]) -> list[str]:
        return [str(first) for first in range(0, number, ROWS_PER_SHARD)]

    def work(context: Context[NoConfig], unit: str, output: UnitOutput) -> None:
        for row in rows_between(int(unit), min(int(unit) + ROWS_PER_SHARD, number)):
            output.read([row["row_key"]])
            output.emit(row)

    stage = Stage(name="benchmarks.changes", version=1, config=NoConfig, output=CHANGES, work=work, plan=plan)
    return run_stage(stage, NoConfig(), {}, str(folder)).uri


def _layout(words: list[str]) -> str:
    lines = [words[start : start + _WORDS_PER_LINE] for start in range(0, len(words), _WORDS_PER_LINE)]
    return "".join(f"    {' '.join(line)}\n" for line in lines)
