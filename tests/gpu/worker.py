"""Runs the cases of one group: `python -m tests.gpu.worker GROUP --ledger FILE --workspace DIR --run ID --until TIME`.

It ends behind the first case that fails, because what an error leaves on a device is unknown; whoever started it
starts it again. A case that hangs is ended with the process, its stack on stderr.
"""

import argparse
import faulthandler
import time
import traceback
from pathlib import Path

from tests.gpu.cases import Group, Ledger, Outcome
from tests.gpu.items import ITEMS
from tests.gpu.scale import scale_of

_CASE_SECONDS = 240.0
_WORTH_STARTING = 25.0
"""Seconds that must be left for a case to be begun."""


def main() -> int:
    """Run what is left of the group; 1 after a case that failed."""
    parser = argparse.ArgumentParser(prog="tests.gpu.worker")
    parser.add_argument("group")
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--run", required=True, help="name of this call of the command")
    parser.add_argument("--until", type=float, required=True, help="seconds since the epoch")
    parser.add_argument("--toy", action="store_true")
    options = parser.parse_args()
    item = options.group.partition("/")[0]
    groups = {group.name: group for group in ITEMS[item](scale_of(toy=options.toy))}
    return run_group(
        groups[options.group], Ledger(options.ledger), options.workspace, options.run, options.until
    )


def run_group(group: Group, ledger: Ledger, workspace: Path, run: str, until: float) -> int:
    """Run the cases that are left, as long as there is time; 1 after a case that failed."""
    for key in ledger.left(group, run):
        remaining = until - time.time()
        if remaining < max(_WORTH_STARTING, ledger.longest(group)):
            return 0
        print(f"{key} ...", flush=True)
        ledger.add(Outcome(key=key, run=run))
        faulthandler.dump_traceback_later(min(_CASE_SECONDS, remaining), exit=True)
        start = time.perf_counter()
        try:
            values = group.cases[key](workspace)
        # whatever a case raises belongs into the table, and the other cases go on
        except Exception as error:
            traceback.print_exc()
            message = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            ledger.add(Outcome(key=key, run=run, seconds=time.perf_counter() - start, error=message))
            return 1
        finally:
            faulthandler.cancel_dump_traceback_later()
        seconds = time.perf_counter() - start
        ledger.add(Outcome(key=key, run=run, seconds=seconds, values=values))
        print(f"{key}: {seconds:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
