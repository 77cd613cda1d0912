"""What must hold for every scalar architecture, whatever its weights (facts/evaluation.md section 10.4)."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from components.evaluation.score_benchmark.scalar import loading
from components.evaluation.score_benchmark.scalar.body import choose_dtype
from components.evaluation.score_benchmark.scalar.encoding import (
    Encoded,
    Encoder,
    UnscorableConversationError,
)
from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from components.evaluation.score_benchmark.scalar.scorer import ScalarModel
from tests.components.evaluation.builders import ROWS
from tests.components.evaluation.scalar import published_tokenizers as tokenizers
from tests.components.evaluation.scalar.checkpoints import PUBLISHED, Tensors
from tests.components.evaluation.scalar.decoder import hidden_states
from themis_common.architectures import architecture
from themis_common.prompts.chat import Conversation

Checkpoints = Callable[[str], tuple[Path, Tensors]]
Loaded = Callable[[str], ScalarModel]

CONVERSATIONS = [
    Conversation("Be strict. " * 12 if number % 2 else None, row["prompt"], row[side])
    for number, row in enumerate(ROWS)
    for side in ("chosen", "rejected")
]
STARTS = {name: 0 if PUBLISHED[name].config["model_type"].startswith("qwen") else 1 for name in PUBLISHED}


def _encoded(model: ScalarModel) -> list[Encoded]:
    return [model.encoder.encode(conversation) for conversation in CONVERSATIONS]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_score_depends_neither_on_its_batch_nor_on_its_place(name: str, loaded: Loaded) -> None:
    model = loaded(name)
    encoded = _encoded(model)
    alone = [model.score([one])[0] for one in encoded]
    order = random.Random(3).sample(range(len(encoded)), len(encoded))
    together = model.score([encoded[place] for place in order])
    assert together == pytest.approx([alone[place] for place in order], rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(
    "name", [name for name, case in PUBLISHED.items() if "gemma" not in case.config["model_type"]]
)
def test_packed_scores_are_those_of_padded_batches(
    name: str, checkpoint: Checkpoints, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "can_be_packed", lambda *_: False)
    padded = load_scalar_model(checkpoint(name)[0], architecture(name), LoadOptions())
    packed = loaded(name)
    encoded = _encoded(packed)
    assert (packed.packs, padded.packs) == (True, False)
    assert packed.score(encoded) == pytest.approx(padded.score(encoded), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("name", PUBLISHED)
def test_there_is_one_start_token_or_none_where_the_family_has_none(name: str, loaded: Loaded) -> None:
    encoder = loaded(name).encoder
    bos = encoder.tokenizer.bos_token_id
    for conversation in CONVERSATIONS:
        ids = encoder.encode(conversation).ids.tolist()
        wanted = 0 if name == "starling" else STARTS[name]
        assert ids.count(bos) == wanted
        assert not wanted or ids[0] == bos


@pytest.mark.parametrize("name", ["seqcls", "ultra", "acecode", "internlm2", "ldl"])
@pytest.mark.parametrize("padding_side", ["left", "right"])
def test_padding_ids_inside_the_text_and_the_padding_side_move_nothing(
    name: str, padding_side: str, checkpoint: Checkpoints, loaded: Loaded
) -> None:
    model, (_, tensors), case = loaded(name), checkpoint(name), PUBLISHED[name]
    model.encoder.tokenizer.padding_side = padding_side
    pad = 0
    rows = [(5, 6, pad, 7, 8), (5, 6, 7, pad), (pad, 5, 6), (9, 8, 7, 6, 5, 4, 3, 2), (5, 6, 7)]
    scores = model.score([Encoded(np.array(ids, np.int32), (len(ids) - 1,)) for ids in rows])
    config = case.full_config()
    for ids, score in zip(rows, scores, strict=True):
        states = hidden_states(tensors, case.prefix, config, list(ids))
        wanted = model.head.score(states[-1:].unsqueeze(0)).item()
        assert score == pytest.approx(wanted, rel=1e-5, abs=1e-5)
    # the token that looks like padding is read, not the one before it
    assert abs(scores[1] - scores[4]) > 1e-4


@pytest.mark.parametrize("name", ["seqcls", "inform", "internlm2", "qrm-gemma"])
def test_a_bfloat16_body_has_a_float32_head(name: str, checkpoint: Checkpoints, loaded: Loaded) -> None:
    folder, _ = checkpoint(name)
    model = load_scalar_model(folder, architecture(name), LoadOptions(dtype="bfloat16"))
    assert {parameter.dtype for parameter in model.body.parameters()} == {torch.bfloat16}
    assert {tensor.dtype for tensor in model.head.tensors.values()} == {torch.float32}
    encoded = _encoded(model)
    scores = model.score(encoded)
    assert any(torch.tensor(score).bfloat16().item() != score for score in scores)
    exact = loaded(name).score(encoded)
    assert scores == pytest.approx(exact, abs=0.25 * (max(exact) - min(exact)))


def test_the_stored_dtype_is_that_of_the_configuration() -> None:
    assert choose_dtype("stored", LlamaConfig(dtype="float16")) == torch.bfloat16
    assert choose_dtype("stored", LlamaConfig(dtype="float32")) == torch.float32
    assert choose_dtype("bfloat16", LlamaConfig(dtype="float32")) == torch.bfloat16


def test_nemotron_gives_the_raw_logit_of_entry_0_of_a_generation(
    checkpoint: Checkpoints, loaded: Loaded
) -> None:
    model = loaded("nemotron")
    generator = LlamaForCausalLM.from_pretrained(checkpoint("nemotron")[0]).eval()
    for conversation in CONVERSATIONS[:3]:
        encoded = model.encoder.encode(conversation)
        output = generator.generate(
            torch.tensor([encoded.ids.tolist()]),
            max_new_tokens=1,
            do_sample=False,
            output_logits=True,
            return_dict_in_generate=True,
            pad_token_id=0,
        )
        assert model.score([encoded])[0] == pytest.approx(output.logits[0][0, 0].item(), abs=1e-5)


def test_a_conversation_that_just_fits_keeps_its_marker_and_a_longer_one_is_a_failure(
    checkpoint: Checkpoints, loaded: Loaded
) -> None:
    conversation = CONVERSATIONS[0]
    whole = loaded("athene").encoder.encode(conversation).ids
    folder, _ = checkpoint("athene")
    fitting = load_scalar_model(folder, architecture("athene"), LoadOptions(max_tokens=len(whole)))
    assert fitting.encoder.encode(conversation).ids[-1] == 128003
    shorter = load_scalar_model(folder, architecture("athene"), LoadOptions(max_tokens=len(whole) - 1))
    with pytest.raises(UnscorableConversationError) as caught:
        shorter.encoder.encode(conversation)
    assert caught.value.failure == "too_long"


def test_a_lost_marker_is_a_failure_of_that_conversation_alone(tmp_path: Path) -> None:
    tokenizer = tokenizers.gemma()
    # two line ends are one token, which hides the one that the marker ends with
    tokenizer.chat_template = tokenizers.GEMMA_TEMPLATE.replace("| trim", "")
    tokenizer.save_pretrained(tmp_path)
    readout = architecture("qrm-gemma").readout
    assert readout is not None
    encoder = Encoder(tmp_path, readout, {}, 4096)
    assert encoder.encode(Conversation(None, "add", "a + b")).positions
    with pytest.raises(UnscorableConversationError) as caught:
        encoder.encode(Conversation(None, "add", "\na + b"))
    assert caught.value.failure == "marker_lost"


def test_the_reward_token_is_the_configurations(checkpoint: Checkpoints) -> None:
    readout = architecture("internlm2").readout
    assert readout is not None
    folder, _ = checkpoint("internlm2")
    conversation = Conversation(None, "add", "a + b")
    for config, wanted in (({}, 92527), ({"reward_token_id": 5}, 5)):
        assert Encoder(folder, readout, config, 4096).encode(conversation).ids[-1] == wanted


def test_a_system_text_reaches_models_whose_template_takes_none(loaded: Loaded) -> None:
    for name in ("qrm-gemma", "eurus", "ultra"):
        encoder = loaded(name).encoder
        plain = encoder.encode(Conversation(None, "add", "a")).ids.tolist()
        told = encoder.encode(Conversation("be strict", "add", "a")).ids.tolist()
        assert len(told) > len(plain)
        assert told.count(encoder.tokenizer.bos_token_id) == 1
