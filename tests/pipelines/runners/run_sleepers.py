"""A caller of `run_local` for tests to kill: `python -m tests.pipelines.runners.run_sleepers FOLDER GRACE_SECONDS`."""

import sys
from pathlib import Path

from pipelines.runners.local_runner import run_local
from tests.pipelines.runners.sample_pipelines import sleepers

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    arguments = {"folder": str(folder)}
    run_local(sleepers, arguments, run_root=folder, log=folder / "kfp.log", grace_seconds=float(sys.argv[2]))
