"""One request until it is answered: its turn, its share of the budget, its attempts and the pauses between them."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from themis_common.backoff import full_jitter
from themis_common.errors import TransientError, UserError
from themis_common.llm.budget import Budget
from themis_common.llm.chat_completions import Response, request_body
from themis_common.llm.config import EngineConfig
from themis_common.llm.endpoint import AttemptFault, Endpoint
from themis_common.llm.engine import Request
from themis_common.llm.ledger import Amount
from themis_common.llm.rate_limit import Pace

_BYTES_PER_TOKEN = 4
"""About right for code and English; what a request really took is put right afterwards."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Time and chance between attempts: exponential back-off with full jitter.

    Attributes:
        first_pause: upper bound in seconds of the first pause; it doubles with every further one.
        longest_pause: upper bound in seconds of any pause of our own choice.
        longest_wait: an endpoint that asks for a longer pause in seconds than this is not waited for.
        clock: seconds that only go forward.
    """

    first_pause: float = 1.0
    longest_pause: float = 60.0
    longest_wait: float = 600.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: random.Random = field(default_factory=random.Random)

    def pause(self, attempts: int) -> float:
        """Seconds to wait after so many attempts."""
        return full_jitter(attempts, first=self.first_pause, longest=self.longest_pause, jitter=self.jitter)


class Asker:
    """Puts requests to an endpoint within the limits and the budget.

    Attributes:
        under_way: the tasks whose attempt is under way now, and may be billed.
    """

    def __init__(self, config: EngineConfig, endpoint: Endpoint, budget: Budget, patience: Patience) -> None:
        limits = config.limits
        self.under_way: set[asyncio.Task[Any] | None] = set()
        self._config = config
        self._endpoint = endpoint
        self._budget = budget
        self._patience = patience
        self._pace = Pace(
            limits.requests_per_minute,
            limits.tokens_per_minute,
            clock=patience.clock,
            sleep=patience.sleep,
        )

    async def ask(self, request: Request) -> Response:
        """The answer to a request.

        Raises:
            TransientError: every attempt failed.
            UserError: no attempt can succeed, or the budget is used up.
        """
        content = json.dumps(request_body(request, self._config.model, self._config.extra_body)).encode()
        worst = self._budget.worst_case(len(content))
        for attempts in itertools.count(1):
            try:
                return await self._attempt(content, worst)
            except AttemptFault as fault:
                await self._pause(fault, attempts)
        raise AssertionError("attempts end by an answer or an error")

    async def _attempt(self, content: bytes, worst: Amount) -> Response:
        longest = self._config.longest_answer or self._config.max_tokens
        expected = len(content) // _BYTES_PER_TOKEN + longest
        await self._pace.turn(expected)
        await self._budget.reserve(worst)
        usage, billed = None, True  # as an attempt that is cut off counts
        self.under_way.add(asyncio.current_task())
        try:
            response = await self._endpoint.ask(content)
            usage = response.usage
        except AttemptFault as fault:
            billed = fault.billed
            raise
        except UserError:
            billed = False
            raise
        finally:
            self.under_way.discard(asyncio.current_task())
            self._budget.settle(worst, usage, billed=billed)
        if usage is not None:
            self._pace.correct(expected, usage.prompt_tokens + usage.completion_tokens)
        return response

    async def _pause(self, fault: AttemptFault, attempts: int) -> None:
        """Wait for the next attempt.

        Raises:
            TransientError: there is none to be made.
            UserError: likewise, and the address looks wrong.
        """
        if attempts >= self._config.limits.attempts or fault.retry_after > self._patience.longest_wait:
            if fault.misdirected and not self._endpoint.has_answered:
                raise self._endpoint.misdirected(fault) from fault
            raise TransientError(self._endpoint.lost(fault, attempts)) from fault
        if fault.retry_after:
            self._pace.hold(fault.retry_after)
        await self._patience.sleep(max(self._patience.pause(attempts), fault.retry_after))
