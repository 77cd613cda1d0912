"""A tiny Qwen3 with random weights and a byte-level BPE tokenizer trained on given texts: for demos and tests.

Equal seeds and texts give equal bytes. Nothing here is good at anything before it is trained.
"""

from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from themis_common.modeling.weights import LM_HEAD, save_weights
from themis_common.prompts.chat import chatml_template

END_OF_TEXT = "<|endoftext|>"
START_OF_TURN = "<|im_start|>"
END_OF_TURN = "<|im_end|>"
# digits one by one, words with one leading character, runs of punctuation, line ends: what code tokenizers split at
_SPLIT = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_HEAD_DIM = 32
"""The least that vLLM serves on a CPU."""


def train_tokenizer(texts: Iterable[str], vocabulary: int, max_tokens: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with the ChatML template.

    Args:
        texts: what to learn merges from; their order does not matter.
        vocabulary: tokens, control tokens included; fewer where the texts hold no more pairs to merge.
        max_tokens: longest conversation, written into the tokenizer's settings.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END_OF_TEXT, START_OF_TURN, END_OF_TURN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=END_OF_TEXT,
        eos_token=END_OF_TURN,
        extra_special_tokens=[START_OF_TURN],
        chat_template=chatml_template(),
        model_max_length=max_tokens,
        clean_up_tokenization_spaces=False,
    )


def tiny_config(
    tokenizer: PreTrainedTokenizerFast, *, layers: int, hidden: int, max_tokens: int, tied: bool
) -> Qwen3Config:
    """A Qwen3 shape with attention heads of 32 dimensions, two query heads for each key/value head."""
    key_value_heads = max(1, hidden // (2 * _HEAD_DIM))
    return Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=2 * key_value_heads,
        num_key_value_heads=key_value_heads,
        head_dim=_HEAD_DIM,
        max_position_embeddings=max_tokens,
        tie_word_embeddings=tied,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        attention_dropout=0.0,
        dtype="float32",
        architectures=["Qwen3ForCausalLM"],
    )


def save_tiny_model(folder: Path, config: Qwen3Config, tokenizer: PreTrainedTokenizerFast, seed: int) -> None:
    """Make `folder` with random weights, configuration and tokenizer, as `from_pretrained` takes them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen3ForCausalLM(config)
    weights = model.state_dict()
    if config.tie_word_embeddings:
        weights.pop(LM_HEAD)
    folder.mkdir()
    save_weights(folder, {name: tensor.nbytes for name, tensor in weights.items()}, weights.__getitem__)
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
