"""A scalar reward model: its outline says which conversations are scored together, its weights give the scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from components.evaluation.score_benchmark.batches import plan_batches
from components.evaluation.score_benchmark.scalar.encoding import Encoded, Encoder
from components.evaluation.score_benchmark.scalar.heads import LoadedHead
from components.evaluation.score_benchmark.scalar.hidden_states import read_packed, read_padded
from components.evaluation.score_benchmark.scalar.prefixes import plan_packs
from themis_common.architectures import Architecture


@dataclass(frozen=True, kw_only=True)
class ModelOutline:
    """A reward model as far as it can be known without its weights.

    Attributes:
        packs: whether conversations are packed, each shared prefix computed once; else they are padded.
    """

    architecture: Architecture
    encoder: Encoder
    packs: bool

    def plan(self, conversations: Mapping[str, Encoded], budget: int) -> list[list[str]]:
        """Which conversations are scored together, by key: at most `budget` tokens of computation at once."""
        if self.packs:
            return plan_packs({key: one.ids for key, one in conversations.items()}, budget)
        return plan_batches({key: len(one.ids) for key, one in conversations.items()}, budget)


@dataclass(frozen=True, kw_only=True)
class ScalarModel(ModelOutline):
    """A reward model in memory.

    Attributes:
        device: where inputs go.
    """

    body: PreTrainedModel
    head: LoadedHead
    device: torch.device

    @torch.inference_mode()
    def score(self, batch: Sequence[Encoded]) -> list[float]:
        """Scores (float32) of conversations, in their order."""
        read = read_packed if self.packs else read_padded
        hidden = read(self.body, batch, self.device)  # (N, P, h)
        scores: list[float] = self.head.to(hidden.device).score(hidden).tolist()
        return scores
