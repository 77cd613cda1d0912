"""The loop in which the published evaluation scripts score pairs, written as plain code from what they do.

Batches of 32 in row order, two passes over each, all chosen and then all rejected, padded to the longest of the pass
on the side of the tokenizer, which for Qwen3 is the right (facts/evaluation.md section 2.2).
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel

from themis_common.modeling.token_pair import TokenIds

BATCH_SIZE = 32
TokenisedPair = tuple[TokenIds, TokenIds]
"""The conversations with the chosen and with the rejected response."""


@torch.inference_mode()
def published_scores(model: PreTrainedModel, pairs: Sequence[TokenisedPair]) -> list[float]:
    """Scores, chosen and rejected of each pair in turn, from a sequence classifier with one label."""
    scores: list[float] = []
    for batch in _batches(pairs, BATCH_SIZE):
        chosen, rejected = (_one_pass(model, side) for side in zip(*batch, strict=True))
        scores.extend(score for both in zip(chosen, rejected, strict=True) for score in both)
    return scores


def padded_tokens(pairs: Sequence[TokenisedPair], batch_size: int) -> int:
    """Tokens that go through a model in two passes over each batch, padding included."""
    return sum(
        len(side) * max(map(len, side))
        for batch in _batches(pairs, batch_size)
        for side in zip(*batch, strict=True)
    )


def _batches(pairs: Sequence[TokenisedPair], size: int) -> Iterator[Sequence[TokenisedPair]]:
    for start in range(0, len(pairs), size):
        yield pairs[start : start + size]


def _one_pass(model: PreTrainedModel, conversations: Sequence[TokenIds]) -> list[float]:
    rows = [torch.from_numpy(ids).long() for ids in conversations]
    pad = int(model.config.pad_token_id)
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=pad)
    lengths = torch.tensor([[len(row)] for row in rows])
    mask = torch.arange(ids.shape[1])[None] < lengths
    logits: Tensor = model(input_ids=ids, attention_mask=mask.long()).logits
    values: list[float] = logits[:, 0].tolist()
    return values
