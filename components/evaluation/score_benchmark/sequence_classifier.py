"""A transformers sequence classifier as a scorer: strict loading, one read-out rule. Imports torch; workers only.

The score of a conversation is the head's value at its last token, found by the attention mask. (The classes of
transformers look for the last token that is not the padding id, which is wrong wherever padding and end of turn
share an id: facts/evaluation.md section 4.0.)
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification, PreTrainedModel

from themis_common.errors import UserError
from themis_common.hashing import rng
from themis_common.modeling.tokenizer import load_tokenizer
from themis_common.prompts.chat import ChatRenderer, Conversation, UnencodableConversationError

_HEAD = "score"
_HEAD_WEIGHT = f"{_HEAD}.weight"
_LM_HEAD_WEIGHT = "lm_head.weight"


class TooLongError(UserError):
    """A conversation with more tokens than the model or the configuration takes."""


class SequenceClassifier:
    """A model folder, loaded once.

    Args:
        folder: config.json, safetensors and tokenizer; nothing else in it is read.
        head: `stored`, or `seeded` for a causal language model that gets a random head.
        seed: of the random head.
        max_tokens: longest conversation; the model's own limit where that is lower.

    Raises:
        UserError: a tensor is missing, unexpected or of another shape, or the tokenizer has no chat template.
    """

    def __init__(
        self,
        folder: Path,
        *,
        head: Literal["stored", "seeded"],
        seed: int,
        max_tokens: int,
        device: torch.device,
    ) -> None:
        self._device = device
        self._model = _load(folder, head)
        module: nn.Module = self._model
        module.to(device).eval()
        if head == "seeded":
            _draw_head(self._head, seed, self._model.config.get_text_config().initializer_range)
        limit = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        self.max_tokens = min(max_tokens, limit or max_tokens)
        tokenizer = load_tokenizer(folder)
        # The limit is checked by `encode`; the tokenizer would only print a warning about it.
        tokenizer.model_max_length = sys.maxsize
        self._renderer = ChatRenderer(tokenizer)

    @property
    def _head(self) -> nn.Linear:
        head = getattr(self._model, _HEAD)
        assert isinstance(head, nn.Linear)
        return head

    def encode(self, conversation: Conversation) -> list[int]:
        """Token ids, with exactly the control tokens that the chat template writes.

        Raises:
            TooLongError: more than `max_tokens` tokens; nothing is ever cut.
            UnencodableConversationError: a text turns into a control token.
        """
        ids = self._renderer.encode(conversation).ids
        if len(ids) > self.max_tokens:
            raise TooLongError(f"{len(ids)} tokens, {self.max_tokens} allowed")
        return ids

    @torch.inference_mode()
    def score(self, batch: Sequence[Sequence[int]]) -> list[float]:
        """Scores (float32) of a batch of token ids, in its order."""
        ids, mask = _padded(batch, self._device)  # (B, T) each
        hidden = self._model.base_model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        last = mask.sum(dim=1) - 1  # (B,); rows are padded on the right
        pooled = hidden[torch.arange(len(batch), device=self._device), last]  # (B, h)
        scores: list[float] = self._head(pooled.float()).squeeze(-1).tolist()
        return scores


def failure_of(error: UserError) -> str:
    """The type under which a conversation that cannot be encoded is reported."""
    return error.reason if isinstance(error, UnencodableConversationError) else "too_long"


def choose_device(name: str) -> torch.device:
    """`auto`, `cpu` or `cuda` as a device.

    Raises:
        UserError: there is no GPU although one is asked for.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda, but this machine has no usable GPU; set device to auto or cpu")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def _load(folder: Path, head: str) -> PreTrainedModel:
    try:
        model, found = AutoModelForSequenceClassification.from_pretrained(
            folder,
            num_labels=1,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{folder} cannot be loaded as a sequence classifier: {error}") from error
    missing, unexpected = set(found["missing_keys"]), set(found["unexpected_keys"])
    if head == "seeded":
        if _HEAD_WEIGHT not in missing:
            raise UserError(
                f"{folder} holds a trained reward head; score it as seqcls, not with a random head"
            )
        missing.discard(_HEAD_WEIGHT)
        unexpected.discard(_LM_HEAD_WEIGHT)
    for tensors, problem in (
        (missing, "is missing"),
        (unexpected, "belongs to no parameter of its config.json"),
    ):
        if tensors:
            raise UserError(
                f"{folder}: tensor {min(tensors)} {problem}; the folder is not a model of this architecture"
            )
    for tensor, stored, wanted in sorted(found["mismatched_keys"]):
        raise UserError(
            f"{folder}: tensor {tensor} has shape {tuple(stored)}, its config.json says {tuple(wanted)}"
        )
    if not isinstance(getattr(model, _HEAD, None), nn.Linear):
        raise UserError(f"{folder}: models of type {model.config.model_type} have no linear head {_HEAD!r}")
    assert isinstance(model, PreTrainedModel)
    return model


def _draw_head(head: nn.Linear, seed: int, std: float) -> None:
    # Not zeros: they would tie every pair and show the tie policy, not the model.
    generator = torch.Generator().manual_seed(rng(seed, "reward head", "untrained model").getrandbits(63))
    with torch.no_grad():
        head.weight.copy_(torch.randn(head.weight.shape, generator=generator) * std)


def _padded(batch: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids and mask (1 for real tokens), int64 (B, T), padded on the right with id 0."""
    width = max(len(row) for row in batch)
    ids = torch.zeros((len(batch), width), dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for index, row in enumerate(batch):
        ids[index, : len(row)] = torch.tensor(row)
        mask[index, : len(row)] = 1
    return ids.to(device), mask.to(device)
