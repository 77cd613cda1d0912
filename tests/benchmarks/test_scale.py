"""Stages on many synthetic rows on this machine: seconds, memory and disk, each stage in a process of its own.

What: `themis stage` on as many rows as THEMIS_SCALE_ROWS says (default 200,000; published figures are of 2,000,000),
made by `synthetic_changes.py`. How to read it: no rival, but what the READMEs say of seconds, memory and dollars of a
million rows is measured here. "Peak" is the largest resident set of the process, of which the interpreter and its
libraries take some 250 MB for any number of rows.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.measure import ROOT
from tests.benchmarks.report import Report, Table, at_most
from tests.benchmarks.synthetic_changes import Synthetic, write_changes

pytestmark = pytest.mark.slow

NUM_ROWS = int(os.environ.get("THEMIS_SCALE_ROWS", "200000"))
MOST_GIB = 24.0
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Measured:
    """What a stage took in a process of its own: CPU seconds, bytes of memory at most; and its manifest."""

    cpu: float
    peak: int
    manifest: dict[str, Any]


def measured_stage(name: str, source: str, output: Path, settings: Sequence[str]) -> Measured:
    """Run `themis stage` and wait for it."""
    command = [sys.executable, "-m", "pipelines.cli.main", "stage", name, "--json"]
    command += ["--input", source, "--output", str(output)]
    command += [word for setting in settings for word in ("--set", setting)]
    said = output.with_suffix(".json")
    with said.open("w") as stream:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=stream, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{' '.join(command)} failed; its messages are above"
    return Measured(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, json.loads(said.read_text()))


def bytes_below(folder: Path) -> int:
    """Bytes of all files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_deduplicating_many_rows(report: Report, tmp_path: Path) -> None:
    changes = Synthetic(rows=NUM_ROWS)
    source = write_changes(tmp_path / "in", changes)
    output = tmp_path / "out"
    measured = measured_stage("dataset.deduplicate", source, output, ["compare=new_contents"])
    counts = measured.manifest["counts"]
    rounds = bytes_below(output / "_rounds")
    report.add(
        Table(
            title=f"Deduplicating {NUM_ROWS:,} synthetic changes",
            columns=("what", "value"),
            rows=[
                ("CPU seconds", f"{measured.cpu:,.0f}"),
                ("changes / CPU s", f"{NUM_ROWS / measured.cpu:,.0f}"),
                ("peak, GiB", at_most(measured.peak / GIB, MOST_GIB)),
                ("peak, bytes a change", f"{measured.peak / NUM_ROWS:,.0f}"),
                ("input, GiB", f"{bytes_below(Path(source)) / GIB:.3g}"),
                ("rounds, GiB", f"{rounds / GIB:.3g} ({rounds / NUM_ROWS:,.0f} bytes a change)"),
                ("output, GiB", f"{(bytes_below(output) - rounds) / GIB:.3g}"),
                (
                    "removed",
                    ", ".join(f"{reason} {number:,}" for reason, number in counts["dropped"].items()),
                ),
            ],
        )
    )
    assert counts["keys_in"] == NUM_ROWS
    assert counts["dropped"]["exact_duplicate"] == changes.num_copies
    assert counts["dropped"]["near_duplicate"] >= 0.99 * changes.num_copies
    assert measured.peak <= MOST_GIB * GIB
