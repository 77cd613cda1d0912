"""Work dealt out to tasks that run side by side: the i-th of n takes every n-th item, from the i-th on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from themis_common.errors import UserError

T = TypeVar("T")
_TEXT = re.compile(r"(\d+)/(\d+)")


class OthersUnfinishedError(UserError):
    """A share of the work is done, and the output has to wait for others: whoever finishes last writes it."""


@dataclass(frozen=True, slots=True)
class Share:
    """Share `index`, from 0, of `count`; as text `index/count`.

    Raises:
        UserError: there is no such share.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise UserError(f"there is no share {self}: they are 0/n to n-1/n")

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> "Share":
        """The share that a text such as `0/4` names.

        Raises:
            UserError: it names none.
        """
        match = _TEXT.fullmatch(text)
        if match is None:
            raise UserError(f"{text!r} is no share: write 0/4 for the first of four")
        return cls(int(match[1]), int(match[2]))

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """The items of this share."""
        return items[self.index :: self.count]


def deal(name: str, count: int) -> list[str]:
    """What the tasks that share the work `name` are called: itself where there is one, else `name:i/n`."""
    return [name] if count == 1 else [f"{name}:{Share(index, count)}" for index in range(count)]


def dealt(task: str) -> tuple[str, Share]:
    """Name and share from what `deal` called a task."""
    name, _, share = task.partition(":")
    return name, Share.parse(share or "0/1")
