"""The tiny model is the same every time, whatever the order of its texts."""

import random
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from themis_common.modeling.tiny import save_tiny_model, tiny_config, train_tokenizer
from themis_common.prompts.chat import ChatRenderer, Conversation

TEXTS = [f"def f{n}(x):\n    return x + {n}  # \u00fc\u4e16\n" for n in range(50)]


def make(folder: Path, texts: list[str], seed: int, tied: bool = True) -> dict[str, bytes]:
    tokenizer = train_tokenizer(texts, vocabulary=400, max_tokens=128)
    save_tiny_model(
        folder, tiny_config(tokenizer, layers=1, hidden=32, max_tokens=128, tied=tied), tokenizer, seed
    )
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_equal_seeds_and_texts_give_equal_bytes(tmp_path: Path) -> None:
    shuffled = random.Random(1).sample(TEXTS, len(TEXTS))
    first = make(tmp_path / "a", TEXTS, seed=1)
    assert make(tmp_path / "b", shuffled, seed=1) == first
    other = make(tmp_path / "c", TEXTS, seed=2)
    assert {name for name in first if other[name] != first[name]} == {"model.safetensors"}


@pytest.mark.parametrize("tied", [True, False])
def test_transformers_loads_it(tmp_path: Path, tied: bool) -> None:
    make(tmp_path / "a", TEXTS, seed=1, tied=tied)
    _, report = AutoModelForCausalLM.from_pretrained(tmp_path / "a", output_loading_info=True)
    assert not any(report.values())


@pytest.mark.parametrize("hidden", [32, 64, 96, 160])
def test_every_width_has_whole_groups_of_heads_that_vllm_serves(hidden: int) -> None:
    tokenizer = train_tokenizer(TEXTS, vocabulary=400, max_tokens=128)
    config = tiny_config(tokenizer, layers=1, hidden=hidden, max_tokens=128, tied=True)
    assert (config.hidden_size, config.head_dim) == (hidden, 32)
    assert config.num_attention_heads == 2 * config.num_key_value_heads > 0


def test_its_tokenizer_loses_no_character_and_ends_turns_unlike_padding(tmp_path: Path) -> None:
    make(tmp_path / "a", TEXTS, seed=1)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "a")
    text = "\tint main() { return 1234; }\r\n\n  // \u4e16\u754c \U0001f600"
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text
    encoded = ChatRenderer(tokenizer).encode(Conversation("s", "u", "a"))
    assert tokenizer.decode(encoded.ids) == (
        "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nu<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
    )
    assert tokenizer.pad_token_id not in encoded.ids
