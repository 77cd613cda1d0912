"""What a person sees while a stage works: rate-limited lines that read the same on a terminal and in a pod log.

Lines start with a marker, so that a runner can pick them out of the chatter of the libraries around them.
"""

import sys
import time
from collections.abc import Callable
from typing import TextIO

MARKER = "themis: "


class Progress:
    """Lines about one piece of work, at most one every `every_seconds`.

    Args:
        label: what the lines are about, e.g. `dataset.deduplicate`.
        clock: seconds that only go forward; injected by tests.
    """

    def __init__(
        self,
        label: str,
        *,
        stream: TextIO | None = None,
        every_seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._stream = stream or sys.stderr
        self._every = every_seconds
        self._clock = clock
        self._last = clock()

    def say(self, text: str) -> None:
        """Print a line now."""
        self._last = self._clock()
        print(f"{MARKER}{self._label}: {text}", file=self._stream, flush=True)

    def update(self, done: int, total: int | None = None, unit: str = "rows") -> None:
        """Print how far the work is, unless a line was printed a moment ago."""
        if self._clock() - self._last >= self._every:
            of = f" of {total:,}" if total is not None else ""
            self.say(f"{done:,}{of} {unit}")
