"""A preference pair as token ids: what packing and cost estimates start from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

TokenIds = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class TokenPair:
    """A tokenised preference pair.

    Attributes:
        prefix: tokens that both conversations start with; at least one.
        chosen, rejected: the rest of either conversation; at least one token each, their last one is scored.
        prompt_tokens: how many leading tokens are prompt; the prefix covers them all.
    """

    row_key: str
    prefix: TokenIds
    chosen: TokenIds
    rejected: TokenIds
    prompt_tokens: int

    def __post_init__(self) -> None:
        assert 1 <= self.prompt_tokens <= len(self.prefix), (
            f"{self.row_key}: prompt exceeds the shared prefix"
        )
        assert min(len(self.chosen), len(self.rejected)) > 0, (
            f"{self.row_key}: a side has no token of its own"
        )

    @property
    def num_tokens(self) -> int:
        """Packed tokens of the pair."""
        return len(self.prefix) + len(self.chosen) + len(self.rejected)

    @property
    def num_labels(self) -> int:
        """Tokens of the chosen response, which the language-model term predicts."""
        return len(self.prefix) + len(self.chosen) - self.prompt_tokens
