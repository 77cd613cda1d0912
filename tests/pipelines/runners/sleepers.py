"""A task that never ends of itself, with a child in a session of its own, as torchrun has."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType


def sleep_with_family(folder: str, cell: str) -> None:
    """Write the ids of this process and its child to `<cell>.pids` and sleep.

    A polite task leaves `<cell>.saved` on SIGTERM and exits with 143; a stubborn one and its child ignore SIGTERM.
    """
    stubborn = cell == "stubborn"

    def save(_number: int, _frame: FrameType | None) -> None:
        Path(folder, f"{cell}.saved").touch()
        raise SystemExit(143)

    signal.signal(signal.SIGTERM, signal.SIG_IGN if stubborn else save)
    # SIG_IGN is inherited; a handler is not.
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    partial = Path(folder, f"{cell}.partial")
    partial.write_text(f"{os.getpid()} {child.pid}")
    partial.rename(Path(folder, f"{cell}.pids"))
    time.sleep(600)
