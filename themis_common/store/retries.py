"""Trying again: truncated exponential back-off with full jitter, up to a deadline."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from themis_common.backoff import full_jitter
from themis_common.errors import TransientError

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
_ROUTINE_FAILURES = 2
"""Failures of one request that are nobody's business; from the next one on each is logged."""


class PassingFault(Exception):  # noqa: N818 (a fault of one attempt, an error only when none succeeds)
    """What one attempt met and another may not; `retry_after` is the seconds that the other side asked for."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(" ".join(message.split()))
        self.retry_after = retry_after


@dataclass(frozen=True, kw_only=True)
class Retries:
    """When and how long a request is tried.

    Attributes:
        deadline: seconds after the first attempt in which further ones may start.
        attempt: seconds of silence after which one attempt is given up.
        first_delay: upper bound in seconds of the first pause; it doubles with every further one.
        longest_delay: upper bound in seconds of any pause.
        clock: seconds that only go forward.
    """

    deadline: float = 300.0
    attempt: float = 60.0
    first_delay: float = 0.5
    longest_delay: float = 30.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: random.Random = field(default_factory=random.Random)

    def call(self, what: str, request: Callable[[], T]) -> T:
        """The result of `request`, which is called again after every `PassingFault`.

        Args:
            what: what is being tried, for messages.

        Raises:
            TransientError: the deadline passed; tells the last fault.
        """
        started = self.clock()
        attempts = 0
        while True:
            try:
                return request()
            except PassingFault as fault:
                attempts += 1
                delay = max(self._pause(attempts), fault.retry_after)
                elapsed = self.clock() - started
                if elapsed + delay > self.deadline:
                    raise TransientError(
                        f"{what}: {fault}; gave up after {attempts} attempts in {elapsed:.0f} s"
                    ) from fault
                if attempts > _ROUTINE_FAILURES:
                    _LOG.warning("%s: %s; attempt %d in %.1f s", what, fault, attempts + 1, delay)
            self.sleep(delay)

    def _pause(self, attempts: int) -> float:
        return full_jitter(attempts, first=self.first_delay, longest=self.longest_delay, jitter=self.jitter)
