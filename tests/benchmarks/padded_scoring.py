"""Two loops that score pairs in padded batches, written as plain code from what they do.

Both take the data in row order and make two passes over each batch, all chosen and then all rejected, padded to the
longest of the batch; neither computes a shared prompt once.

- The published evaluation scripts: batches of 32, padded on the side of the tokenizer, which for Qwen3 is the right
  (facts/evaluation.md section 2.2).
- allenai/reward-bench (rewardbench 0.1.4): batches of 8, padded on the left, which masks and shifts positions. The
  package itself cannot run here: it sends its inputs to a GPU whatever the machine has, and pins a transformers that
  the other peers cannot share an environment with.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from transformers import PreTrainedModel

from themis_common.modeling.token_pair import TokenIds, TokenPair


@dataclass(frozen=True, slots=True)
class PaddedLoop:
    """How a peer cuts and pads its batches."""

    name: str
    batch_size: int
    side: Literal["left", "right"]

    @torch.inference_mode()
    def score(self, model: PreTrainedModel, pairs: Sequence[TokenPair]) -> list[float]:
        """Scores, chosen and rejected of each pair in turn, from a sequence classifier with one label."""
        scores: list[float] = []
        for batch in self._batches(pairs):
            passes = [
                [_conversation(pair.prefix, pair.chosen) for pair in batch],
                [_conversation(pair.prefix, pair.rejected) for pair in batch],
            ]
            chosen, rejected = (self._one_pass(model, rows) for rows in passes)
            scores.extend(score for both in zip(chosen, rejected, strict=True) for score in both)
        return scores

    def computed_tokens(self, pairs: Sequence[TokenPair]) -> int:
        """Tokens that go through the model, padding included."""
        return sum(
            len(part) * max(len(pair.prefix) + len(getattr(pair, side)) for pair in part)
            for part in self._batches(pairs)
            for side in ("chosen", "rejected")
        )

    def _batches(self, pairs: Sequence[TokenPair]) -> Iterator[Sequence[TokenPair]]:
        for start in range(0, len(pairs), self.batch_size):
            yield pairs[start : start + self.batch_size]

    def _one_pass(self, model: PreTrainedModel, rows: list[Tensor]) -> list[float]:
        pad = int(model.config.pad_token_id)
        ids = torch.nn.utils.rnn.pad_sequence(
            rows, batch_first=True, padding_value=pad, padding_side=self.side
        )
        lengths = torch.tensor([[len(row)] for row in rows])
        columns = torch.arange(ids.shape[1])[None]
        mask = columns < lengths if self.side == "right" else columns >= ids.shape[1] - lengths
        logits: Tensor = model(input_ids=ids, attention_mask=mask.long()).logits
        values: list[float] = logits[:, 0].tolist()
        return values


PUBLISHED = PaddedLoop("published scripts: padded batches of 32", batch_size=32, side="right")
REWARD_BENCH = PaddedLoop("reward-bench's loop, written out: padded batches of 8", batch_size=8, side="left")


def _conversation(prefix: TokenIds, response: TokenIds) -> Tensor:
    return torch.cat([torch.from_numpy(part) for part in (prefix, response)]).long()
