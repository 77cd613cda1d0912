"""Small byte-level tokenizers that give control tokens, and the words next to them, the ids of the published ones."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from tests.components.evaluation.builders import ROWS
from themis_common.prompts.chat import chatml_template

LLAMA3_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' + message.content | trim + '<|eot_id|>' -}}
{%- endfor -%}"""

GEMMA_TEMPLATE = """\
{{- bos_token -}}
{%- if messages[0].role == 'system' -%}{{ raise_exception('System role not supported') }}{%- endif -%}
{%- for message in messages -%}
{%- set role = 'model' if message.role == 'assistant' else message.role -%}
{{- '<start_of_turn>' + role + '\n' + message.content | trim + '<end_of_turn>\n' -}}
{%- endfor -%}"""

MISTRAL_TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
{%- if message.role == 'system' -%}{{ raise_exception('no system role') }}
{%- elif message.role == 'user' -%}{{ '[INST] ' + message.content + ' [/INST]' }}
{%- else -%}{{ message.content + '</s>' }}
{%- endif -%}
{%- endfor -%}"""

# a template that, as Qwen's, puts a sentence of its own where there is no system turn
QWEN_TEMPLATE = """\
{%- if messages[0].role != 'system' -%}{{ '<|im_start|>system\nYou are Qwen.<|im_end|>\n' }}{%- endif -%}
{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' -}}
{%- endfor -%}"""


@cache
def _trained() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges learned from the benchmark's texts and the words of chat templates."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _pre_tokenizer()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=alphabet, show_progress=False)
    texts = [row[name] for row in ROWS for name in ("prompt", "chosen", "rejected")]
    tokenizer.train_from_iterator(
        [*texts, *["assistant\n\n", "model\n", "system\n\n", "user\n\n"] * 50], trainer
    )
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [(left, right) for left, right in model["merges"]]


def _pre_tokenizer() -> pre_tokenizers.PreTokenizer:
    from tokenizers import Regex

    split = pre_tokenizers.Split(
        Regex(r"[\r\n]+| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+|[^\S\r\n]+"), behavior="isolated"
    )
    return pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def make_tokenizer(
    *,
    special: Mapping[str, int],
    words: Mapping[str, int] | None = None,
    template: str | None,
    bos: str | None = None,
    adds_bos: bool = False,
    **options: Any,
) -> PreTrainedTokenizerFast:
    """A tokenizer whose special tokens and ordinary `words` (as bytes are written in BPE) have these ids."""
    learned, merges = _trained()
    fixed = {**special, **(words or {})}
    taken = set(fixed.values())
    free = (number for number in range(300, 5000) if number not in taken)
    vocabulary = {token: fixed[token] if token in fixed else next(free) for token in learned}
    tokenizer = Tokenizer(models.BPE(vocab={**vocabulary, **special}, merges=merges))
    tokenizer.pre_tokenizer = _pre_tokenizer()
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(special))
    if adds_bos:
        assert bos is not None
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", special_tokens=[(bos, special[bos])]
        )
    if bos is not None:
        options["bos_token"] = bos
    wrapped: PreTrainedTokenizerFast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, chat_template=template, **options
    )
    return wrapped


def llama3() -> PreTrainedTokenizerFast:
    """Llama 3, whose template writes the start token that the tokenizer also adds."""
    special = {
        "<|begin_of_text|>": 128000,
        "<|reserved_special_token_1|>": 128003,
        "<|start_header_id|>": 128006,
        "<|end_header_id|>": 128007,
        "<|eot_id|>": 128009,
    }
    return make_tokenizer(
        special=special,
        words={"assistant": 78191, "\u010a\u010a": 271},
        template=LLAMA3_TEMPLATE,
        bos="<|begin_of_text|>",
        adds_bos=True,
        eos_token="<|eot_id|>",
        cls_token="<|reserved_special_token_1|>",
    )


def gemma() -> PreTrainedTokenizerFast:
    """Gemma 2, which pads on the left and takes no system turn."""
    special = {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<start_of_turn>": 106, "<end_of_turn>": 107}
    return make_tokenizer(
        special=special,
        words={"\u010a": 108, "model": 2516},
        template=GEMMA_TEMPLATE,
        bos="<bos>",
        adds_bos=True,
        pad_token="<pad>",
        padding_side="left",
    )


def qwen(template: str | None = None) -> PreTrainedTokenizerFast:
    """ChatML without a start token, as Qwen."""
    special = {"<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2}
    template = chatml_template() if template is None else template
    return make_tokenizer(
        special=special, template=template, pad_token="<|endoftext|>", eos_token="<|im_end|>"
    )


def internlm2() -> PreTrainedTokenizerFast:
    """ChatML after a start token, and the reward token."""
    special = {
        "<unk>": 0,
        "<s>": 1,
        "</s>": 2,
        "<|reward|>": 92527,
        "<|im_end|>": 92542,
        "<|im_start|>": 92543,
    }
    return make_tokenizer(
        special=special, template="{{ bos_token }}" + chatml_template(), bos="<s>", adds_bos=True
    )


def llama2(template: str | None) -> PreTrainedTokenizerFast:
    """A start token that the tokenizer adds, and a template or none."""
    return make_tokenizer(
        special={"<unk>": 0, "<s>": 1, "</s>": 2}, template=template, bos="<s>", adds_bos=True
    )


def yi() -> PreTrainedTokenizerFast:
    """ChatML; id 0 is the unknown token and pads."""
    special = {"<unk>": 0, "<|startoftext|>": 1, "<|im_start|>": 6, "<|im_end|>": 7}
    return make_tokenizer(special=special, template=None, bos="<|startoftext|>", pad_token="<unk>")
