"""Cases of a run and the ledger that remembers them, so that a run goes on where the one before was cut off.

A case is a function that gives named values. Cases that may share a process form a group; a group whose process dies is
started again behind the case that killed it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Values = dict[str, Any]
"""What a case found, as JSON holds it."""

SKIPPED = "skipped"
"""Among the values of a case that cannot run on this machine: why."""

Case = Callable[[Path], Values]
"""Takes a folder that outlives the process, for models and what one case leaves to another."""


@dataclass(frozen=True, slots=True)
class Group:
    """Cases for one process, the most important first; the name starts with the item, as in `training/0.6B/liger`."""

    name: str
    cases: Mapping[str, Case]

    @property
    def item(self) -> str:
        """The part of the proof that the group belongs to."""
        return self.name.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One attempt at a case.

    Attributes:
        run: which call of the command made it.
        seconds: of wall time; None where the attempt was begun and has not ended.
        error: one line; None where the case gave its values.
    """

    key: str
    run: str
    seconds: float | None = None
    values: Values | None = None
    error: str | None = None

    @property
    def finished(self) -> bool:
        """Whether there is nothing to try again."""
        return self.values is not None and SKIPPED not in self.values and self.values.get("passed", True)

    @property
    def begun(self) -> bool:
        """Whether it never ended: the call itself was cut off."""
        return self.seconds is None

    @property
    def failed(self) -> bool:
        """Whether it ended with an error or did not pass."""
        return self.error is not None or (self.values is not None and not self.values.get("passed", True))


class Ledger:
    """Attempts as lines of JSON in a file; later lines replace earlier ones of the same case."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, outcome: Outcome) -> None:
        """Append one attempt."""
        with self._path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(outcome)) + "\n")

    def latest(self) -> dict[str, Outcome]:
        """The last attempt at every case, in the order of first attempts."""
        if not self._path.exists():
            return {}
        found: dict[str, Outcome] = {}
        for line in self._path.read_text(encoding="utf-8").splitlines():
            outcome = Outcome(**json.loads(line))
            found[outcome.key] = outcome
        return found

    def left(self, group: Group, run: str) -> list[str]:
        """Cases of a group that are not finished and that this run has not tried."""
        latest = self.latest()
        return [
            key
            for key in group.cases
            if key not in latest or (not latest[key].finished and latest[key].run != run)
        ]

    def longest(self, group: Group) -> float:
        """Seconds of the longest finished case of a group: what the next one may take."""
        latest = self.latest()
        done = [outcome for key in group.cases if (outcome := latest.get(key)) and outcome.finished]
        return max((outcome.seconds or 0.0 for outcome in done), default=0.0)

    def close_begun(self, group: Group, run: str, why: str) -> None:
        """Mark the case that was under way when the process of a group ended."""
        for key, outcome in self.latest().items():
            if key in group.cases and outcome.run == run and outcome.begun:
                self.add(Outcome(key=key, run=run, seconds=0.0, error=why))
