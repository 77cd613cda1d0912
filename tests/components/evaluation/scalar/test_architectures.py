"""Every architecture: published layout in, the score of a plain reference computation out."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from components.evaluation.score_benchmark.scalar.scorer import ScalarModel
from tests.components.evaluation.builders import ROWS
from tests.components.evaluation.scalar import published_tokenizers as tokenizers
from tests.components.evaluation.scalar.checkpoints import (
    GEMMA2,
    LLAMA3,
    MISTRAL,
    PUBLISHED,
    QWEN2,
    Published,
    Tensors,
    write_checkpoint,
)
from tests.components.evaluation.scalar.decoder import hidden_states
from tests.components.evaluation.scalar.reference import HEADS
from themis_common.architectures import ARCHITECTURES, architecture
from themis_common.prompts.chat import Conversation

Checkpoints = Callable[[str], tuple[Path, Tensors]]
Loaded = Callable[[str], ScalarModel]

CONVERSATIONS = [
    Conversation(None, row["prompt"], row[side]) for row in ROWS[:4] for side in ("chosen", "rejected")
]
APPENDED = {"athene": [128003], "internlm2": [92527]}
TEXTS = {
    "eurus": "[INST] {user} [/INST] {assistant}",
    "ultra": "Human: {user}\n\nAssistant: {assistant}",
    "starling": "<|im_start|>user\n{user}<|im_end|>\n<|im_start|>assistant\n{assistant}<|im_end|>\n",
    "worldpm": "<|im_start|>system\n<|im_end|>\n<|im_start|>user\n{user}<|im_end|>\n"
    "<|im_start|>assistant\n{assistant}<|im_end|>\n",
}


def expected_ids(name: str, folder: Path, conversation: Conversation) -> list[int]:
    """Token ids by the tokenizer's own template, or the text written out; one start token where it has one."""
    # InternLM2's own class is code of the hub
    loader = PreTrainedTokenizerFast if name == "internlm2" else AutoTokenizer
    tokenizer = loader.from_pretrained(folder)
    if name in TEXTS:
        text = TEXTS[name].format(user=conversation.user, assistant=conversation.assistant)
    else:
        turns = [
            {"role": "user", "content": conversation.user},
            {"role": "assistant", "content": conversation.assistant},
        ]
        text = tokenizer.apply_chat_template(turns, tokenize=False)
    ids = list(tokenizer.encode(text, add_special_tokens=name in ("eurus", "ultra")))
    return ids + APPENDED.get(name, [])


def test_every_scalar_architecture_has_a_case() -> None:
    scorable = {name for name, row in ARCHITECTURES.items() if row.readout}
    assert scorable == PUBLISHED.keys() | {"seqcls-random-head"}
    assert PUBLISHED.keys() == HEADS.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_scores_are_those_of_a_plain_computation(name: str, checkpoint: Checkpoints, loaded: Loaded) -> None:
    folder, tensors = checkpoint(name)
    _check_scores(PUBLISHED[name], loaded(name), folder, tensors)


@pytest.mark.parametrize("family", [LLAMA3, QWEN2, MISTRAL, GEMMA2], ids=lambda family: family["model_type"])
def test_a_sequence_classifier_may_have_the_body_of_any_family(
    family: dict[str, Any], tmp_path: Path
) -> None:
    tokenizer = {"llama": tokenizers.llama3, "gemma2": tokenizers.gemma}.get(
        family["model_type"], tokenizers.qwen
    )
    case = dataclasses.replace(PUBLISHED["seqcls"], config=family, tokenizer=tokenizer)
    tensors = write_checkpoint(case, tmp_path / "model")
    model = load_scalar_model(tmp_path / "model", architecture("seqcls"), LoadOptions())
    _check_scores(case, model, tmp_path / "model", tensors)


def _check_scores(case: Published, model: ScalarModel, folder: Path, tensors: Tensors) -> None:
    config, name = case.full_config(), case.architecture
    encoded = [model.encoder.encode(conversation) for conversation in CONVERSATIONS]
    scores = model.score(encoded)
    for conversation, one, score in zip(CONVERSATIONS, encoded, scores, strict=True):
        ids = expected_ids(name, folder, conversation)
        assert one.ids.tolist() == ids
        wanted = HEADS[name](tensors, hidden_states(tensors, case.prefix, config, ids), ids, config)
        assert score == pytest.approx(wanted.item(), rel=1e-5, abs=1e-5)
    assert len(set(scores)) == len(scores)


@pytest.mark.parametrize("name", PUBLISHED)
def test_gemma_is_padded_and_all_others_are_packed(name: str, loaded: Loaded) -> None:
    assert loaded(name).packs == (PUBLISHED[name].config["model_type"] != "gemma2")
