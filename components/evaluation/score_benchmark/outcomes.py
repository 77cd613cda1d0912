"""What scoring one conversation came to, and the log that lets a killed attempt go on where it was."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass

from themis_common.hashing import canonical_json
from themis_common.stages.shares import OthersUnfinishedError
from themis_common.store import Store


@dataclass(frozen=True, slots=True)
class Outcome:
    """A score, or the type of failure that took its place."""

    score: float | None
    failure: str | None = None


def outcome_of(score: float) -> Outcome:
    """The outcome of a number that a model gave; one that is not finite cannot be compared."""
    return Outcome(score) if math.isfinite(score) else Outcome(None, "not_finite")


class ScoreLog:
    """Outcomes of finished parts of the work, one file a part, in the folder `name` of a workspace.

    The name must be a digest of everything that the outcomes depend on: a log of other work is then never found.
    """

    def __init__(self, workspace: Store, name: str) -> None:
        self._store = workspace.child(f"scores/{name}")

    def read(self, part: int) -> dict[str, Outcome] | None:
        """The outcomes of a part by conversation key, or None where it is still to be scored."""
        try:
            content = self._store.read_bytes(_file(part))
        except FileNotFoundError:
            return None
        return {key: Outcome(score, failure) for key, score, failure in json.loads(content)}

    def finished(self) -> set[int]:
        """The parts that are scored, here or by others."""
        return {int(name.partition(".")[0]) for name in self._store.list()}

    def collect(self, parts: Iterable[int]) -> dict[str, Outcome]:
        """The outcomes of all these parts by conversation key.

        Raises:
            OthersUnfinishedError: some are still to be scored.
        """
        outcomes: dict[str, Outcome] = {}
        missing = 0
        for part in parts:
            done = self.read(part)
            missing += done is None
            outcomes.update(done or {})
        if missing:
            raise OthersUnfinishedError(
                f"{missing} parts of the work belong to other shares and are not scored yet; the last share to finish "
                "writes the scores"
            )
        return outcomes

    def write(self, part: int, outcomes: Iterable[tuple[str, Outcome]]) -> None:
        """Keep the outcomes of a part; JSON gives every float back bit by bit."""
        rows = [[key, outcome.score, outcome.failure] for key, outcome in outcomes]
        self._store.write_bytes(_file(part), canonical_json(rows).encode())


def _file(part: int) -> str:
    return f"{part:05d}.json"
