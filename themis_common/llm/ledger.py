"""An account that any number of processes share: what is paid, and what each process holds for requests under way.

A store can do one thing that only one process succeeds in: create a file that is not there yet. The account is a
row of numbered files, each the whole account after one change. Who creates the next number has made the next change;
who comes too late looks again and tries anew.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from themis_common.store import AlreadyExistsError, Store


@dataclass(frozen=True, slots=True)
class Amount:
    """Requests, and money in billionths of the currency (whole numbers, so that sums are exact)."""

    requests: int = 0
    spend: int = 0

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.requests + other.requests, self.spend + other.spend)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.requests - other.requests, self.spend - other.spend)

    def covers(self, other: "Amount") -> bool:
        """Whether neither part of `other` is more than ours."""
        return self.requests >= other.requests and self.spend >= other.spend


@dataclass(frozen=True, slots=True)
class Account:
    """The state after one change; `held` is by owner, and owners that were killed stay in it."""

    paid: Amount = Amount()
    held: Mapping[str, Amount] = field(default_factory=dict)

    def held_by_others(self, owner: str) -> Amount:
        """What everybody but `owner` holds."""
        return sum((amount for name, amount in self.held.items() if name != owner), Amount())

    def changed(self, owner: str, *, paid: Amount, held: Amount) -> "Account":
        """The account after `owner` paid so much more and holds so much now."""
        others = {name: amount for name, amount in self.held.items() if name != owner}
        own = {owner: held} if held != Amount() else {}
        return replace(self, paid=self.paid + paid, held={**others, **own})

    def to_json(self) -> bytes:
        """The content of one file."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, content: bytes) -> "Account":
        """The account that `to_json` wrote."""
        document: dict[str, Any] = json.loads(content)
        held = {name: Amount(**amount) for name, amount in document["held"].items()}
        return cls(Amount(**document["paid"]), held)


class Ledger:
    """The account in one folder."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._number: int | None = None

    def change(self, update: Callable[[Account], Account]) -> None:
        """Replace the account by what `update` makes of it; may call it several times.

        Raises:
            Exception: whatever `update` raises; the account stays as it is.
        """
        while True:
            number = self._newest()
            now = Account.from_json(self._store.read_bytes(_name(number))) if number else Account()
            content = update(now).to_json()
            try:
                self._store.write_bytes(_name(number + 1), content, exclusive=True)
            except AlreadyExistsError:
                continue
            return

    def _newest(self) -> int:
        """The highest number there is; 0 before the first change.

        Numbers have no gaps, so that the end is found in a few steps from the last one known, however many changes
        others have made since.
        """
        if self._number is None:
            self._number = sum(1 for _ in self._store.list())
        number, step = self._number, 1
        while self._store.exists(_name(number + step)):
            number += step
            step *= 2
        while step > 1:
            step //= 2
            if self._store.exists(_name(number + step)):
                number += step
        self._number = number
        return number


def _name(number: int) -> str:
    return f"{number:09d}.json"
