"""A cap on requests and on money that is never passed, however many processes share it.

A request is sent only when its worst case fits: every byte of the prompt a token, the longest answer allowed. What it
really took is known afterwards and the rest becomes free again. To spare the shared ledger, a process takes worst
cases from it by the block; what a killed process held stays taken, because its requests may have been billed.
"""

import asyncio
import math
import uuid
from collections.abc import Callable

from themis_common.errors import UserError
from themis_common.llm.config import BudgetConfig
from themis_common.llm.engine import Usage
from themis_common.llm.ledger import Account, Amount, Ledger

_UNCAPPED = 1 << 100
_BLOCK_REQUESTS = 128
_BLOCK_SHARE = 16
"""A block is at most so many worst cases, and at most this part of what is left."""
_TEMPLATE_TOKENS = 128
"""Allowance for what a chat template adds around the messages."""
_BILLIONTHS = 1_000_000_000


class Budget:
    """The share of a cap that this process may use.

    Args:
        longest_answer: most tokens of one answer.
        ledger: where all processes account for what they use; None where nothing is capped.
        kept_at: where answers are kept, for messages.
    """

    def __init__(
        self,
        config: BudgetConfig,
        longest_answer: int,
        ledger: Ledger | None,
        *,
        kept_at: str,
        new_owner: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        self._config = config
        self._longest_answer = longest_answer
        self._ledger = ledger
        self._kept_at = kept_at
        self._owner = new_owner()
        spend = _UNCAPPED if config.max_spend is None else round(config.max_spend * _BILLIONTHS)
        self._cap = Amount(_UNCAPPED if config.max_requests is None else config.max_requests, spend)
        self._free = Amount()
        self._under_way = Amount()
        self._unreported = Amount()
        self._claimed = False
        self._asking = asyncio.Lock()
        self._ended = asyncio.Event()
        self.spent = 0.0
        """What this process has spent, in the currency of the prices."""

    def worst_case(self, num_bytes: int) -> Amount:
        """The most that one attempt at a request of so many bytes can take; a token has at least one byte."""
        return self._amount(Usage(num_bytes + _TEMPLATE_TOKENS, self._longest_answer))

    async def reserve(self, worst: Amount) -> None:
        """Set the worst case of an attempt aside; waits for requests under way where only they stand in its way.

        Raises:
            UserError: the cap would be passed; says what is spent, what is left and what to raise.
        """
        # one at a time, for everybody who waits would ask the ledger again whenever an attempt ends
        async with self._asking:
            while not self._free.covers(worst):
                self._ended.clear()
                refusal = self._claim(worst)
                if refusal is not None:
                    if self._under_way == Amount():
                        raise refusal
                    await self._ended.wait()
            self._free -= worst
            self._under_way += worst

    def settle(self, worst: Amount, usage: Usage | None, *, billed: bool) -> None:
        """Account for an attempt that ended.

        Args:
            usage: what it took; None where nobody knows, which counts as the worst case.
            billed: false where the endpoint turned it away, so that it took nothing.
        """
        took = worst if usage is None else self._amount(usage)
        took = took if billed else Amount()
        self._under_way -= worst
        self._free += worst - took
        self._unreported += took
        self.spent += took.spend / _BILLIONTHS
        self._ended.set()

    def close(self) -> None:
        """Report what was used and give back what was not."""
        if self._ledger is not None and self._claimed:
            used, self._unreported, self._free = self._unreported, Amount(), Amount()
            self._ledger.change(lambda account: account.changed(self._owner, paid=used, held=Amount()))

    def _claim(self, worst: Amount) -> UserError | None:
        """Take another block from the ledger; the error where not even the worst case is left."""
        if self._ledger is None:
            self._free += worst
            return None
        used, mine = self._unreported, self._free + self._under_way
        block = Amount()

        def update(account: Account) -> Account:
            nonlocal block
            left = self._cap - account.paid - used - account.held_by_others(self._owner) - mine
            block = _block(left, worst, self._free)
            if not left.covers(block):
                raise self._exhausted(account, used, worst)
            return account.changed(self._owner, paid=used, held=mine + block)

        try:
            self._ledger.change(update)
        except UserError as error:
            return error
        self._claimed = True
        self._unreported = Amount()
        self._free += block
        return None

    def _exhausted(self, account: Account, used: Amount, worst: Amount) -> UserError:
        paid = account.paid + used
        others = account.held_by_others(self._owner)
        left = self._cap - paid - others
        shown = Amount(max(0, left.requests), max(0, left.spend))
        if left.requests < worst.requests:
            cap = f"llm.budget.max_requests is {self._cap.requests:,}"
            figures = f"{paid.requests:,} made, {_held(f'{others.requests:,}', others.requests)}{shown.requests:,} left"
            setting = "max_requests"
        else:
            cap = f"llm.budget.max_spend is {_money(self._cap.spend)}"
            figures = (
                f"{_money(paid.spend)} spent on {paid.requests:,} requests, "
                f"{_held(_money(others.spend), others.spend)}{_money(shown.spend)} left, "
                f"and the next request may cost {_money(worst.spend)}"
            )
            setting = "max_spend"
        return UserError(
            f"{cap}: {figures}; raise llm.budget.{setting} and run again, the answers in {self._kept_at} are not paid "
            "for twice"
        )

    def _amount(self, usage: Usage) -> Amount:
        """Tokens as money: a price of one per million tokens is a thousand billionths a token."""
        price = usage.prompt_tokens * self._config.price_in + usage.completion_tokens * self._config.price_out
        return Amount(1, math.ceil(price * 1000))


def _block(left: Amount, worst: Amount, free: Amount) -> Amount:
    """How much to take: what is missing at least, more where there is plenty."""

    def part(left: int, worst: int, free: int) -> int:
        return max(worst - free, min(left // _BLOCK_SHARE, _BLOCK_REQUESTS * worst), 0)

    return Amount(
        part(left.requests, worst.requests, free.requests), part(left.spend, worst.spend, free.spend)
    )


def _held(shown: str, amount: int) -> str:
    return f"{shown} held by other processes or by attempts that were killed, " if amount else ""


def _money(billionths: int) -> str:
    return f"{billionths / _BILLIONTHS:,.4f}"
