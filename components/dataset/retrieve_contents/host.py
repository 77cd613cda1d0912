"""The server that all repositories of a run are on: when it may be asked, and whether it answers at all.

Source: facts/data_eval_peers.md section B.3.
"""

import threading
from collections.abc import Callable

from themis_common.errors import TransientError

_OUTAGE = 8
"""So many repositories in a row that nothing is heard of are no accident of theirs."""


class Host:
    """Spaces the fetches of all threads, and tells a repository that fails from a server that is down.

    Args:
        pause: seconds from the start of one fetch to that of the next.
        clock: seconds that only go forward.
        sleep: waits so many seconds, or less.
    """

    def __init__(self, pause: float, *, clock: Callable[[], float], sleep: Callable[[float], object]) -> None:
        self._pause = pause
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = self._held_until = float("-inf")
        self._silent: list[str] = []
        self._message = ""
        self._heard = False
        self._lost = False

    def wait_for_turn(self) -> None:
        """Return when the next fetch may start."""
        with self._lock:
            start = max(self._clock(), self._held_until, self._next)
            self._next = start + self._pause
        # a hold that begins in the meantime counts for those who wait, too
        while (wait := max(start, self._held_until) - self._clock()) > 0:
            self._sleep(wait)

    def hold(self, seconds: float) -> None:
        """Let no fetch start for some time, because the server asks for it."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def answered(self) -> None:
        """Note that the server said something about a repository, be it that there is none."""
        with self._lock:
            self._heard = True
            self._silent.clear()

    def was_silent(self, name: str, message: str, *, slow: bool) -> None:
        """Note that nothing was heard about the repository `name`, or that it was too slow in coming.

        Raises:
            TransientError: nor about many others before it.
        """
        with self._lock:
            self._silent.append(name)
            self._message = message
            # one that is too slow may be a large one, or hang by itself
            self._lost = self._lost or not slow
            if len(self._silent) >= _OUTAGE:
                raise self._outage()

    def check_heard(self) -> None:
        """Tell few repositories that all fail from a server that is down.

        Raises:
            TransientError: nothing was heard about any repository.
        """
        with self._lock:
            if self._lost and not self._heard:
                raise self._outage()

    def _outage(self) -> TransientError:
        return TransientError(
            f"the git server does not answer: {self._message}; nothing was heard about "
            f"{', '.join(self._silent)}; run again to go on"
        )
