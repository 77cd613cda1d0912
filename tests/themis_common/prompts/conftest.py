"""Tiny real tokenizers, trained in a moment on a few lines of text."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import PreTrainedTokenizerFast

CORPUS = [
    "def add(a, b):\n    return a + b\n",
    "Write a function that adds two numbers.",
    "system user assistant",
]


def _tiny(
    special: Sequence[str] = ("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
    added: Sequence[str] = (),
    *,
    chat_template: str | None = None,
    bos: str | None = None,
    normalizer: normalizers.Normalizer | None = None,
) -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(
        vocab_size=330, special_tokens=list(special), initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_tokens([AddedToken(text, special=False, normalized=True) for text in added])
    if bos is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, tokenizer.token_to_id(bos))]
        )
    options: dict[str, Any] = {} if bos is None else {"bos_token": bos}
    wrapped: PreTrainedTokenizerFast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, eos_token=special[0], **options
    )
    wrapped.chat_template = chat_template
    return wrapped


@pytest.fixture(scope="session")
def tiny_tokenizer() -> Callable[..., PreTrainedTokenizerFast]:
    """Makes a byte-level BPE tokenizer with the given special and added tokens."""
    return _tiny
