"""Spacing requests, so that no minute holds more of them, or of their tokens, than an endpoint allows."""

from collections.abc import Awaitable, Callable

MINUTE = 60.0


class Pace:
    """Gives each request a time to start.

    Starts are spaced evenly, for many endpoints look at shorter stretches than the minute that their limits are
    written in. A request takes up as much time as its tokens are worth.

    Args:
        requests_per_minute: None for no limit; so for `tokens_per_minute`.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        requests_per_minute: int | None,
        tokens_per_minute: int | None,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._per_request = MINUTE / requests_per_minute if requests_per_minute else 0.0
        self._per_token = MINUTE / tokens_per_minute if tokens_per_minute else 0.0
        self._clock = clock
        self._sleep = sleep
        self._next_by_requests = self._next_by_tokens = self._held_until = float("-inf")

    async def turn(self, tokens: int) -> None:
        """Wait until a request of about so many tokens may start."""
        while True:
            start = self._reserve(tokens)
            while (wait := start - self._clock()) > 0:
                await self._sleep(wait)
            # a hold that began in the meantime counts for those who waited, too
            if self._clock() >= self._held_until:
                return

    def _reserve(self, tokens: int) -> float:
        start = max(self._clock(), self._held_until, self._next_by_requests, self._next_by_tokens)
        self._next_by_requests = start + self._per_request
        self._next_by_tokens = start + tokens * self._per_token
        return start

    def correct(self, expected: int, used: int) -> None:
        """Make up for a request that took other than the expected number of tokens."""
        self._next_by_tokens += (used - expected) * self._per_token

    def hold(self, seconds: float) -> None:
        """Let no request start for some time, because the endpoint asks for it."""
        self._held_until = max(self._held_until, self._clock() + seconds)
