"""Tables of a benchmark run: printed as they come, and written as Markdown with what they were measured on."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.benchmarks.provenance import checkout, said_by, versions

_PACKAGES = ("torch", "transformers", "numpy", "pyarrow", "datasketch", "numba", "scipy")


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table; `notes` are sentences on how to read it."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """The table with its title and notes."""
        cells = [list(self.columns), *(list(row) for row in self.rows)]
        assert all(len(row) == len(self.columns) for row in cells), self.title
        widths = [max(len(row[column]) for row in cells) for column in range(len(self.columns))]
        lines = [
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
            for row in cells
        ]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        notes = "".join(f"\n- {note}" for note in self.notes)
        return f"## {self.title}\n\n" + "\n".join(lines) + (f"\n{notes}" if notes else "") + "\n"


class Report:
    """Collects the tables of a run."""

    def __init__(self) -> None:
        self._tables: list[Table] = []

    def add(self, table: Table) -> None:
        """Print a table and keep it."""
        print(f"\n{table.markdown()}")
        self._tables.append(table)

    def write(self, path: Path) -> None:
        """Write all tables, after a few lines on the machine and the versions."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([environment(), *(table.markdown() for table in self._tables)]))


def environment() -> str:
    """Date, machine class and versions, as Markdown."""
    cores = len(os.sched_getaffinity(0))
    return (
        f"# Benchmarks of {date.today().isoformat()}\n\n"
        f"- machine: {platform.machine()}, {cores} cores, no accelerator used; shared with other work, so every case "
        "ran several times in turns with the others and its smallest sample is given\n"
        f"- tree: {checkout()}\n"
        f"- Python {platform.python_version()}, {versions(_PACKAGES)}, {said_by('git', '--version')}\n"
        '- command: `make bench` (`pytest tests/benchmarks -m "" -s --results FILE` writes this file)\n'
    )


def at_most(value: float, target: float) -> str:
    """A value beside its upper target, and whether it was met."""
    return f"{value:.3g} (target <= {target:g}: {'met' if value <= target else 'MISSED'})"


def at_least(value: float, target: float) -> str:
    """A value beside its lower target, and whether it was met."""
    return f"{value:.3g} (target >= {target:g}: {'met' if value >= target else 'MISSED'})"
