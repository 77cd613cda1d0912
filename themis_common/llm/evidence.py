"""What the rules engine counts: words in a message and constructs in code, per criterion.

The tables are in `evidence.yaml`. They decide by counting, not by understanding: a construct that usually
serves a criterion counts one for the version that has more of it, one that usually harms it counts one
against.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from themis_common.taxonomy import Criterion


@dataclass(frozen=True)
class Evidence:
    """Patterns of one criterion: words of messages, constructs that serve and constructs that harm it."""

    words: re.Pattern[str]
    serves: tuple[re.Pattern[str], ...]
    harms: tuple[re.Pattern[str], ...]

    def weight(self, line: str) -> int:
        """Serving less harming constructs in one line; each kind counts once."""
        return sum(bool(p.search(line)) for p in self.serves) - sum(bool(p.search(line)) for p in self.harms)


def names_criterion(criterion: Criterion, message: str) -> bool:
    """Whether a commit message speaks of the criterion."""
    return _table()[criterion].words.search(message) is not None


def net_evidence(criterion: Criterion, ours: Iterable[str], theirs: Iterable[str]) -> int:
    """How much better the lines of `ours` serve the criterion than those of `theirs`; negative where worse.

    Lines that both have cancel out, wherever they stand and however they are indented.
    """
    mine, other = _counted(ours), _counted(theirs)
    weight = _table()[criterion].weight
    gained = sum(number * weight(line) for line, number in (mine - other).items())
    lost = sum(number * weight(line) for line, number in (other - mine).items())
    return gained - lost


def _counted(lines: Iterable[str]) -> Counter[str]:
    return Counter(stripped for line in lines if (stripped := line.strip()))


@cache
def _table() -> dict[Criterion, Evidence]:
    text = (resources.files(__package__) / "evidence.yaml").read_text(encoding="utf-8")
    return {
        Criterion.parse(key): Evidence(
            words=re.compile(rf"\b(?:{'|'.join(entry['words'].split(', '))})(?!\w)", re.IGNORECASE),
            serves=tuple(map(re.compile, entry["serves"])),
            harms=tuple(map(re.compile, entry["harms"])),
        )
        for key, entry in yaml.safe_load(text).items()
    }
