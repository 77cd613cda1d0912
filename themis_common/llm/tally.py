"""What an engine says about its work: answers, their rate, tokens and money."""

from collections.abc import Callable

from themis_common.llm.budget import Budget
from themis_common.llm.engine import Usage


class Tally:
    """Counts what one engine answered.

    Args:
        budget: knows what was spent.
        clock: seconds that only go forward.
    """

    def __init__(self, budget: Budget, clock: Callable[[], float]) -> None:
        self._budget = budget
        self._clock = clock
        self._started = clock()
        self._prompt_tokens = self._completion_tokens = 0
        self.found = 0
        """Answers that were in the response store."""
        self.asked = 0
        """Answers that the endpoint gave."""

    def count(self, usage: Usage | None) -> None:
        """Count an answer of the endpoint."""
        self.asked += 1
        if usage is not None:
            self._prompt_tokens += usage.prompt_tokens
            self._completion_tokens += usage.completion_tokens

    def details(self) -> str:
        """Everything but the number of answers."""
        rate = self.asked / max(self._clock() - self._started, 1e-9)
        tokens = f"{self._prompt_tokens:,} + {self._completion_tokens:,} tokens"
        spent = f", {self._budget.spent:,.2f} spent" if self._budget.spent else ""
        return f"answers asked for ({rate:.1f} a second, {tokens}{spent}), {self.found:,} found"
