"""Packed against alone, with transformers' own eager attention, for every family that is let in; the others refused."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import (
    AutoModel,
    Gemma2Config,
    Gemma3Config,
    Gemma3TextConfig,
    Lfm2Config,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    PretrainedConfig,
    Qwen2Config,
    Qwen3Config,
    Qwen3MoeConfig,
)

from themis_common.errors import UserError
from themis_common.modeling.attention import ATTENTION, faster_flash
from themis_common.modeling.losses import bradley_terry_sum
from themis_common.modeling.model import RewardModel, check_supported
from themis_common.modeling.packing import PairPack, pack_pairs
from themis_common.modeling.token_pair import TokenIds, TokenPair

VOCABULARY = 97
WINDOW = 8
"""Shorter than a prompt, so that it cuts across shared segments."""
SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    # large weights, so that a wrong mask or position shows
    "initializer_range": 0.3,
    "pad_token_id": None,
    "bos_token_id": None,
    "eos_token_id": None,
}
DYNAMIC_ROPE = {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}
FAMILIES = {
    "qwen3": Qwen3Config(**SHAPE, head_dim=8),
    "qwen3 with a window in its second layer": Qwen3Config(
        **SHAPE, head_dim=8, use_sliding_window=True, sliding_window=WINDOW, max_window_layers=1
    ),
    "qwen2": Qwen2Config(**SHAPE),
    "qwen2 with a window": Qwen2Config(
        **SHAPE, use_sliding_window=True, sliding_window=WINDOW, max_window_layers=0
    ),
    "llama": LlamaConfig(**SHAPE),
    "mistral": MistralConfig(**SHAPE, sliding_window=None),
    "mistral with a window": MistralConfig(**SHAPE, sliding_window=WINDOW),
}


@pytest.fixture
def pairs() -> list[TokenPair]:
    """Three pairs with one system text, of which two have one prompt, and one pair apart."""
    generator = np.random.default_rng(7)

    def draw(number: int) -> TokenIds:
        return generator.integers(0, VOCABULARY, number, dtype=np.int32)

    system, asked = draw(40), draw(35)
    prompts = [
        np.concatenate([system, asked, draw(3)]),
        np.concatenate([system, asked, draw(12)]),
        np.concatenate([system, draw(5)]),
        draw(6),
    ]
    return [
        TokenPair(str(number), prompt, draw(2 + 9 * number), draw(20 - 6 * number), len(prompt) - number % 2)
        for number, prompt in enumerate(prompts)
    ]


@pytest.fixture(params=FAMILIES.values(), ids=FAMILIES.keys())
def model(request: pytest.FixtureRequest) -> Iterator[RewardModel]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = RewardModel(request.param)
        torch.nn.init.normal_(model.reward_head.weight)
        if model.lm_head is not None:
            torch.nn.init.normal_(model.lm_head.weight, std=0.3)
        yield model


def loss_of(chosen: Tensor, rejected: Tensor, lm_loss: Tensor) -> Tensor:
    return bradley_terry_sum(chosen, rejected) + 0.25 * lm_loss


def gradients(model: RewardModel, loss: Tensor) -> dict[str, Tensor]:
    names, parameters = zip(*model.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(loss, parameters), strict=True))


def alone(model: RewardModel, pairs: list[TokenPair]) -> tuple[Tensor, Tensor, Tensor]:
    """Every conversation in a pass of its own; the body shares the parameters of `model`."""
    body = AutoModel.from_config(deepcopy(model.config), attn_implementation="eager", dtype=torch.float32)
    for name, parameter in model.body.named_parameters():
        owner, _, last = name.rpartition(".")
        setattr(body.get_submodule(owner), last, parameter)
    weight = body.get_input_embeddings().weight if model.lm_head is None else model.lm_head.weight
    sides: dict[str, list[Tensor]] = {"chosen": [], "rejected": []}
    lm_loss = torch.zeros(())
    for pair in pairs:
        for side, rest in (("chosen", pair.chosen), ("rejected", pair.rejected)):
            ids = torch.from_numpy(np.concatenate([pair.prefix, rest]).astype(np.int64))
            hidden = body(input_ids=ids[None]).last_hidden_state[0]
            sides[side].append(model.reward_head(hidden[-1])[0])
            if side == "chosen":
                logits = hidden[pair.prompt_tokens - 1 : -1] @ weight.T
                labels = ids[pair.prompt_tokens :]
                lm_loss = lm_loss + torch.nn.functional.cross_entropy(logits, labels, reduction="sum")
    return torch.stack(sides["chosen"]), torch.stack(sides["rejected"]), lm_loss


def relative_error(got: dict[str, Tensor], wanted: dict[str, Tensor]) -> float:
    return max(float((got[name] - wanted[name]).abs().max() / wanted[name].abs().max()) for name in wanted)


@pytest.mark.parametrize("multiple", [1, 256], ids=["as it is", "padded"])
def test_rewards_and_all_gradients_of_a_pack_are_those_of_every_conversation_alone(
    model: RewardModel, pairs: list[TokenPair], multiple: int
) -> None:
    pack = pack_pairs(pairs, pad_to_multiple=multiple)
    assert len(pack.token_ids) < sum(pair.num_tokens for pair in pairs) or multiple > 1
    expected = alone(model, pairs)
    got = model(pack)

    assert expected[0].abs().max() > 1
    for mine, theirs in zip(got, expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5)
    assert relative_error(gradients(model, loss_of(*got)), gradients(model, loss_of(*expected))) < 1e-5


@torch.no_grad()
def test_a_window_matters_and_other_packs_give_the_same_rewards(pairs: list[TokenPair]) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = RewardModel(FAMILIES["mistral with a window"])
        torch.nn.init.normal_(model.reward_head.weight)

    def rewards(pack: PairPack) -> Tensor:
        outputs: Tensor = model(pack, with_lm=False).chosen
        return outputs

    together = rewards(pack_pairs(pairs))
    apart = torch.cat([rewards(pack_pairs([pair])) for pair in pairs])
    torch.testing.assert_close(together, apart, rtol=1e-5, atol=1e-5)
    model.body.config.sliding_window = None
    assert (rewards(pack_pairs(pairs)) - together).abs().max() > 0.1


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Gemma2Config(), "final_logit_softcapping"),
        (Gemma2Config(final_logit_softcapping=None), "attn_logit_softcapping"),
        (Gemma2Config(final_logit_softcapping=None, attn_logit_softcapping=None), "sliding-window"),
        (Gemma3TextConfig(), "sliding-window"),
        (Gemma3Config(), "made of several models"),
        (Phi3Config(sliding_window=2047), "sliding-window"),
        (Lfm2Config(full_attn_idxs=[1]), r"would mix \(conv\)"),
        (LlamaConfig(rope_parameters=DYNAMIC_ROPE), "dynamic position embeddings"),
        (Qwen3MoeConfig(), "has experts"),
        (LlamaConfig(attention_dropout=0.1), "attention_dropout"),
    ],
    ids=lambda value: value.model_type if isinstance(value, PretrainedConfig) else "",
)
def test_a_family_that_would_train_wrongly_is_refused(config: PretrainedConfig, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_supported(config)


def test_a_model_that_caps_its_scores_is_refused_by_the_attention_itself(pairs: list[TokenPair]) -> None:
    config = Gemma2Config(**SHAPE, head_dim=8)
    body = AutoModel.from_config(config, attn_implementation=ATTENTION, dtype=torch.float32)
    pack = pack_pairs(pairs)
    with pytest.raises(UserError, match="Gemma2Attention wants softcap"):
        body(input_ids=pack.token_ids[None], position_ids=pack.positions[None], segments=pack.segments)


@pytest.mark.parametrize(
    ("major", "installed", "expected"),
    [
        (9, {"flash_attn_interface", "flash_attn.cute"}, "FA3"),
        (9, {"flash_attn.cute"}, "FA4"),
        (10, {"flash_attn_interface", "flash_attn.cute"}, "FA4"),
        (8, {"flash_attn_interface", "flash_attn.cute"}, None),
        (9, set[str](), None),
    ],
)
def test_a_faster_flash_kernel_is_taken_where_it_is_installed(
    major: int, installed: set[str], expected: str | None
) -> None:
    assert faster_flash(major, installed.__contains__) == expected
