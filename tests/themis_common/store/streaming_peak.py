"""Stream a long file into a store and back, and print what that took: run in a process of its own.

    python -m tests.themis_common.store.streaming_peak URI MEGABYTES

prints the growth of the peak resident memory in bytes and MB/s, each for writing and for reading, as JSON.
"""

import json
import re
import sys
import time
from pathlib import Path

from themis_common.store import Store, open_store

MB = 1_000_000
BLOCK = bytes(range(250)) * (MB // 250)


def peak() -> int:
    """The most resident memory since `reset`, in bytes (Linux)."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def reset() -> None:
    """Let the peak be what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")


def write(store: Store, megabytes: int) -> None:
    with store.open_write("f") as stream:
        for _ in range(megabytes):
            stream.write(BLOCK)


def read(store: Store, megabytes: int) -> None:
    with store.open_read("f") as stream:
        assert sum(len(block) for block in iter(lambda: stream.read(MB), b"")) == megabytes * MB


def main() -> None:
    """Measure and print."""
    store, megabytes = open_store(sys.argv[1]), int(sys.argv[2])
    write(store, 1)  # connections and imports
    read(store, 1)
    result = {}
    for use in (write, read):
        reset()
        before, started = peak(), time.perf_counter()
        use(store, megabytes)
        result[use.__name__] = {
            "peak": peak() - before,
            "megabytes_per_second": megabytes / (time.perf_counter() - started),
        }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
