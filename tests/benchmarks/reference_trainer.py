"""The published trainer's way to compute a step, as plain code: what ours is measured against.

Source: facts/training.md sections 3 to 6. Chosen and rejected are padded each to the longest of a micro-batch and go
through the decoder one after the other; the language-model head multiplies every row of the chosen batch, those of
the prompt and the padding included, and the loss leaves out what is not labelled; the reward is read at the last token
that is not padding. Two things differ on purpose, because they are about the machine and not about the method:
attention is PyTorch's (flash-attn needs a GPU), and activations are kept instead of being computed twice, which
favours the reference by a third. The prompt length is the intended one, not the 2 that the script gets.

Shapes: B pairs of a micro-batch, T its longest side, h hidden, V vocabulary.
"""

import copy
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, logsigmoid
from transformers import AutoModelForCausalLM, PretrainedConfig

from themis_common.modeling.model import RewardModel
from themis_common.modeling.token_pair import TokenIds, TokenPair
from themis_common.modeling.weights import REWARD_HEAD, stored_parameters

T = TypeVar("T")
MICRO_BATCH = 4
IGNORED = -100
PAD = 0


class PaddedBatch(NamedTuple):
    """What the collator gives: ids and masks, (B, T_chosen) and (B, T_rejected), and the prompt lengths."""

    chosen_ids: Tensor
    chosen_mask: Tensor
    rejected_ids: Tensor
    rejected_mask: Tensor
    prompt_tokens: Tensor


class Losses(NamedTuple):
    """The terms of one micro-batch: pair means, and a mean over its labelled tokens."""

    bradley_terry: Tensor
    language_model: Tensor
    magnitude: Tensor


def collate(pairs: Sequence[TokenPair]) -> PaddedBatch:
    """Pad either side to its longest sequence, on the right."""
    chosen = [_sequence(pair.prefix, pair.chosen) for pair in pairs]
    rejected = [_sequence(pair.prefix, pair.rejected) for pair in pairs]
    return PaddedBatch(
        *_padded(chosen), *_padded(rejected), torch.tensor([pair.prompt_tokens for pair in pairs])
    )


def micro_batches(pairs: Sequence[T]) -> list[Sequence[T]]:
    """The pairs, MICRO_BATCH at a time, in the order in which they came."""
    return [pairs[start : start + MICRO_BATCH] for start in range(0, len(pairs), MICRO_BATCH)]


class ReferenceModel(nn.Module):
    """A causal language model of transformers with a linear reward head beside it."""

    def __init__(self, config: PretrainedConfig) -> None:
        super().__init__()
        # a copy, because transformers notes the attention in it, and a model of ours may hold the same one
        self.backbone = AutoModelForCausalLM.from_config(
            copy.deepcopy(config), attn_implementation="sdpa", dtype=torch.float32
        )
        self.reward_head = nn.Linear(config.hidden_size, 1, bias=False)
        nn.init.zeros_(self.reward_head.weight)

    def copy_weights(self, ours: RewardModel) -> None:
        """Take the values of our model's parameters."""
        weights = {name: parameter.detach() for name, parameter in stored_parameters(ours).items()}
        self.reward_head.weight.data.copy_(weights.pop(REWARD_HEAD))
        missing, unexpected = self.backbone.load_state_dict(weights, strict=False)
        tied = ["lm_head.weight"] if ours.lm_head is None else []
        assert (missing, unexpected) == (tied, [])

    def forward(self, batch: PaddedBatch, with_lm: bool = True) -> Losses:
        """The terms of a micro-batch."""
        chosen_hidden = self._hidden(batch.chosen_ids, batch.chosen_mask)
        rejected_hidden = self._hidden(batch.rejected_ids, batch.rejected_mask)
        chosen = self._rewards(chosen_hidden, batch.chosen_mask)
        rejected = self._rewards(rejected_hidden, batch.rejected_mask)
        return Losses(
            bradley_terry=-logsigmoid(chosen - rejected).mean(),
            language_model=self._language_model(chosen_hidden, batch) if with_lm else chosen.new_zeros(()),
            magnitude=(chosen.abs() + rejected.abs()).square().mean(),
        )

    def _hidden(self, ids: Tensor, mask: Tensor) -> Tensor:
        return self.backbone.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state

    def _rewards(self, hidden: Tensor, mask: Tensor) -> Tensor:
        last = mask.sum(dim=1) - 1
        return self.reward_head(hidden[torch.arange(len(hidden)), last]).squeeze(-1)

    def _language_model(self, hidden: Tensor, batch: PaddedBatch) -> Tensor:
        labels = batch.chosen_ids.roll(-1, dims=1)
        column = torch.arange(labels.shape[1])
        is_last = column[None] >= batch.chosen_mask.sum(dim=1, keepdim=True) - 1
        is_prompt = column[None] < batch.prompt_tokens[:, None] - 1
        labels = labels.masked_fill(is_last | is_prompt, IGNORED)
        logits = hidden @ self.backbone.lm_head.weight.T  # (B, T, V)
        return cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED)


def _sequence(prefix: TokenIds, side: TokenIds) -> Tensor:
    return torch.from_numpy(np.concatenate([prefix, side]).astype(np.int64))


def _padded(sequences: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    ids = nn.utils.rnn.pad_sequence(sequences, batch_first=True, padding_value=PAD)
    masks = nn.utils.rnn.pad_sequence([torch.ones_like(ids) for ids in sequences], batch_first=True)
    return ids, masks
