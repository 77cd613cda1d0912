"""Packed results against every conversation alone through plain transformers."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import Qwen3Model

from themis_common.modeling.losses import bradley_terry_sum, magnitude_sum
from themis_common.modeling.model import RewardModel
from themis_common.modeling.packing import pack_pairs
from themis_common.modeling.token_pair import TokenPair

MakeModel = Callable[..., RewardModel]


def total_loss(chosen: Tensor, rejected: Tensor, lm_loss: Tensor) -> Tensor:
    return (
        bradley_terry_sum(chosen, rejected)
        + 0.25 * lm_loss
        + 0.001 * magnitude_sum(chosen, rejected, "centre")
    )


def outputs_alone(model: RewardModel, pairs: list[TokenPair]) -> tuple[Tensor, Tensor, Tensor]:
    """Each conversation in a forward pass of its own, with transformers' own attention and full logits."""
    body = Qwen3Model._from_config(model.config, attn_implementation="sdpa").to(
        model.reward_head.weight.dtype
    )
    body.load_state_dict(model.body.state_dict())
    for mine, theirs in zip(model.body.parameters(), body.parameters(), strict=True):
        theirs.data = mine.data
    weight = body.embed_tokens.weight if model.lm_head is None else model.lm_head.weight
    rewards: dict[str, list[Tensor]] = {"chosen": [], "rejected": []}
    lm_loss = torch.zeros((), dtype=weight.dtype)
    for pair in pairs:
        for side, rest in (("chosen", pair.chosen), ("rejected", pair.rejected)):
            ids = torch.from_numpy(np.concatenate([pair.prefix, rest]).astype(np.int64))
            hidden = body(input_ids=ids[None]).last_hidden_state[0]
            rewards[side].append(model.reward_head(hidden[-1])[0])
            if side == "chosen":
                logits = hidden[pair.prompt_tokens - 1 : -1] @ weight.T
                lm_loss = lm_loss + torch.nn.functional.cross_entropy(
                    logits, ids[pair.prompt_tokens :], reduction="sum"
                )
    total_loss(torch.stack(rewards["chosen"]), torch.stack(rewards["rejected"]), lm_loss).backward()
    for mine, theirs in zip(model.body.parameters(), body.parameters(), strict=True):
        mine.grad = theirs.grad
    return torch.stack(rewards["chosen"]), torch.stack(rewards["rejected"]), lm_loss


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-6)])
def test_packed_rewards_and_all_gradients_equal_every_conversation_alone(
    make_model: MakeModel, pairs: list[TokenPair], tied: bool, dtype: torch.dtype, tolerance: float
) -> None:
    alone = make_model(tied=tied, dtype=dtype)
    expected = outputs_alone(alone, pairs)
    packed = make_model(tied=tied, dtype=dtype)
    outputs = packed(pack_pairs(pairs))
    total_loss(*outputs).backward()

    assert outputs.chosen.abs().max() > 1
    for got, want in zip(outputs, expected, strict=True):
        torch.testing.assert_close(got, want, rtol=tolerance, atol=tolerance)
    for (name, mine), theirs in zip(packed.named_parameters(), alone.parameters(), strict=True):
        assert mine.grad is not None, name
        assert theirs.grad is not None, name
        error = (mine.grad - theirs.grad).abs().max() / theirs.grad.abs().max()
        assert error < tolerance, f"{name}: {error}"


def test_a_pair_does_not_leak_into_its_neighbours_or_its_other_side(
    make_model: MakeModel, pairs: list[TokenPair]
) -> None:
    model = make_model(dtype=torch.float64)
    with torch.no_grad():
        before = model(pack_pairs(pairs))
        changed = pairs.copy()
        other = TokenPair(
            pairs[2].row_key,
            pairs[2].prefix,
            (pairs[2].chosen + 1) % 97,
            pairs[2].rejected,
            pairs[2].prompt_tokens,
        )
        changed[2] = other
        after = model(pack_pairs(changed))
    torch.testing.assert_close(after.rejected, before.rejected, rtol=0, atol=1e-12)
    others = [0, 1, 3, 4, 5]
    torch.testing.assert_close(after.chosen[others], before.chosen[others], rtol=0, atol=1e-12)
    assert (after.chosen[2] - before.chosen[2]).abs() > 1e-3


def test_a_zero_head_gives_ln_2_and_the_mean_difference_of_hidden_states_as_gradient(
    make_model: MakeModel, pairs: list[TokenPair]
) -> None:
    model = make_model(random_head=False)
    pack = pack_pairs(pairs)
    chosen, rejected, _ = model(pack)
    loss = bradley_terry_sum(chosen, rejected) / len(pairs)
    loss.backward()
    assert loss.item() == pytest.approx(np.log(2), abs=1e-7)
    with torch.no_grad():
        hidden = model.body(
            input_ids=pack.token_ids[None], position_ids=pack.positions[None], segments=pack.segments
        ).last_hidden_state[0]
    expected = -(hidden[pack.chosen_rows] - hidden[pack.rejected_rows]).mean(dim=0) / 2
    torch.testing.assert_close(model.reward_head.weight.grad[0], expected, rtol=1e-5, atol=1e-6)


def test_an_empty_pack_touches_every_parameter_with_zero(make_model: MakeModel) -> None:
    model = make_model(tied=False)
    chosen, rejected, lm_loss = model(pack_pairs([]))
    (chosen.sum() + rejected.sum() + lm_loss).backward()
    assert chosen.shape == rejected.shape == (0,)
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert not parameter.grad.any(), name


@torch.no_grad()
def test_another_model_of_the_same_configuration_does_not_change_the_attention(
    make_model: MakeModel, pairs: list[TokenPair]
) -> None:
    model = make_model()
    pack = pack_pairs(pairs)
    before = model(pack).rejected
    Qwen3Model._from_config(model.config, attn_implementation="sdpa")
    torch.testing.assert_close(model(pack).rejected, before, rtol=0, atol=0)
