"""The one command: `python -m tests.gpu --results tests/benchmarks/results/DATE-h200.md` on a machine with one H200.

Every group of cases runs in a process of its own, one after the other. What they find goes into a ledger beside the
results (`.jsonl`), from which the tables are written after every group: a later call with the same file does what is
missing and tries again what failed. Exit codes: 0 all done, 1 a case failed, 3 time was up before all was done.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.measure import ROOT
from tests.gpu.cases import Group, Ledger, Outcome
from tests.gpu.environment import environment, variables
from tests.gpu.items import ITEMS, WEIGHTS
from tests.gpu.scale import scale_of
from tests.gpu.tables import tables

_GRACE = 20.0
TIME_IS_UP = 3


def main(arguments: list[str]) -> int:
    """Do what is missing, within the minutes given."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu", description=__doc__)
    parser.add_argument("--results", type=Path, required=True, help="Markdown file for the tables")
    parser.add_argument("--only", default=",".join(ITEMS), help="items to run, with commas between them")
    parser.add_argument("--minutes", type=float, default=9.0, help="after which nothing goes on")
    parser.add_argument(
        "--workspace",
        type=Path,
        default=Path(tempfile.gettempdir()) / "themis-gpu",
        help="folder for models (20 GB), kept for the next call",
    )
    parser.add_argument(
        "--toy", action="store_true", help="toy shapes on the CPU: tries the code, measures nothing"
    )
    options = parser.parse_args(arguments)
    wanted = options.only.split(",")
    if unknown := sorted(set(wanted) - set(ITEMS)):
        parser.error(f"--only takes {', '.join(ITEMS)}, found {', '.join(unknown)}")
    for folder in (options.workspace, options.results.parent):
        folder.mkdir(parents=True, exist_ok=True)

    call = Call(options.results, options.workspace, toy=options.toy)
    end = time.time() + 60 * options.minutes
    for number, item in enumerate(wanted):
        shares = [WEIGHTS[other] for other in wanted[number:]]
        until = time.time() + (end - time.time()) * shares[0] / sum(shares)
        for group in call.groups[item]:
            call.finish(group, until)
            call.write(["python", "-m", "tests.gpu", *arguments])
    return call.verdict(wanted)


class Call:
    """One call of the command."""

    def __init__(self, results: Path, workspace: Path, *, toy: bool) -> None:
        self.groups: dict[str, list[Group]] = {
            item: groups(scale_of(toy=toy)) for item, groups in ITEMS.items()
        }
        self._toy = toy
        self._results = results
        self._workspace = workspace
        self._ledger_file = results.with_suffix(".jsonl")
        self._ledger = Ledger(self._ledger_file)
        self._run = datetime.now(UTC).isoformat(timespec="seconds")

    def finish(self, group: Group, until: float) -> None:
        """Run the cases of a group in processes, a new one behind every case that fails."""
        while (left := self._ledger.left(group, self._run)) and time.time() < until:
            code = self._work(group, until)
            cut_off = (
                "cut off when time was up" if time.time() > until - 1 else f"its process ended with {code}"
            )
            self._ledger.close_begun(group, self._run, cut_off)
            if code == 0:
                return
            if self._ledger.left(group, self._run) == left:
                # it died before it came to a case
                self._ledger.add(
                    Outcome(key=left[0], run=self._run, seconds=0.0, error=f"no process: exit code {code}")
                )

    def _work(self, group: Group, until: float) -> int:
        command = [sys.executable, "-m", "tests.gpu.worker", group.name, "--run", self._run]
        command += [
            "--ledger",
            str(self._ledger_file.absolute()),
            "--workspace",
            str(self._workspace.absolute()),
        ]
        command += ["--until", str(until), *(["--toy"] if self._toy else [])]
        with subprocess.Popen(command, cwd=ROOT, env=variables()) as worker:
            try:
                return worker.wait(timeout=max(0.0, until - time.time()) + _GRACE)
            except subprocess.TimeoutExpired:
                worker.kill()
                return worker.wait()

    def write(self, command: list[str]) -> None:
        """Write the tables of all that is known by now."""
        keys = [key for groups in self.groups.values() for group in groups for key in group.cases]
        text = [environment(command, self._ledger.latest()), *tables(self._ledger, keys)]
        self._results.write_text("\n".join(text), encoding="utf-8")

    def verdict(self, items: list[str]) -> int:
        """The exit code, with a word on what is missing."""
        latest = self._ledger.latest()
        keys = [key for item in items for group in self.groups[item] for key in group.cases]
        failed = [key for key in keys if key in latest and latest[key].failed]
        missing = [key for key in keys if key not in latest or latest[key].begun]
        for key in failed:
            print(f"FAILED {key}: {latest[key].error or 'did not pass'}")
        if missing:
            print(f"not run yet, call again with the same --results: {', '.join(missing)}")
        print(f"tables: {self._results}")
        return 1 if failed else TIME_IS_UP if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
