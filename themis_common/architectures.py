"""The registry of reward-model architectures: how a cell's model is loaded and read out.

A row says what differs; the code that scores is one. Nothing here imports torch, so that plans and command lines
can look names up.
"""

from dataclasses import dataclass
from typing import Literal

from themis_common.errors import UserError


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """One way to get a score from a conversation.

    Attributes:
        reads: `weights` where a model folder is needed, `texts` for a baseline that looks at the texts alone.
        head: where the reward head comes from: `stored` in the folder, or `seeded` (drawn at random, never trained).
    """

    name: str
    description: str
    reads: Literal["weights", "texts"]
    head: Literal["stored", "seeded", "none"]


_ROWS = (
    Architecture(
        name="seqcls",
        description="a transformers sequence classifier with one label; every tensor must be in the folder",
        reads="weights",
        head="stored",
    ),
    Architecture(
        name="seqcls-random-head",
        description="a causal language model with a reward head drawn at random: what a model is worth untrained",
        reads="weights",
        head="seeded",
    ),
    Architecture(
        name="longer-response",
        description="no model: the longer response wins (characters); shows how far length alone goes",
        reads="texts",
        head="none",
    ),
)

ARCHITECTURES: dict[str, Architecture] = {row.name: row for row in _ROWS}


def architecture(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        UserError: there is none; lists the names.
    """
    if name not in ARCHITECTURES:
        raise UserError(f"unknown architecture {name!r}: use one of {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name]
