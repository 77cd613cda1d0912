"""Dealing a batch whose prompts begin alike."""

import numpy as np
import pytest

from components.training.train_reward_model.batch_costs import batch_costs
from components.training.train_reward_model.dealing import PairCost, deal
from themis_common.modeling.packing import pack_pairs
from themis_common.modeling.token_pair import TokenPair

COST = PairCost(per_token=10.0, per_attended=1.0, per_label=3.0)
SYSTEM = np.arange(100, dtype=np.int32)


def pair(number: int, *, system: bool, prompt: int = 20) -> TokenPair:
    asked = np.random.default_rng(number).integers(200, 900, prompt, dtype=np.int32)
    prefix = np.concatenate([SYSTEM, asked]) if system else asked
    response = np.arange(1000, 1010 + number % 7, dtype=np.int32)
    return TokenPair(str(number), prefix, response, response[:5], len(prefix))


def test_a_pair_costs_what_it_adds_to_a_pack_with_the_same_start() -> None:
    batch = [pair(number, system=number < 6) for number in range(8)]
    # 100 tokens and their 5,050 attended pairs
    spared = [100 * 10.0 + 5050 * 1.0 if number < 6 else 0.0 for number in range(8)]
    expected = [COST(one) - start for one, start in zip(batch, spared, strict=True)]
    assert batch_costs(batch, COST, ranks=3) == pytest.approx(expected)


def test_a_start_too_rare_to_meet_itself_on_every_rank_is_paid_by_each_pair() -> None:
    batch = [pair(number, system=number < 6) for number in range(8)]
    assert batch_costs(batch, COST, ranks=4) == [COST(one) for one in batch]
    assert batch_costs([], COST, ranks=4) == []


def test_ranks_are_even_in_what_packs_really_hold() -> None:
    # the tokens of a pack are its cost
    cost = PairCost(per_token=1.0, per_attended=0.0, per_label=0.0)
    generator = np.random.default_rng(3)
    batch = [
        pair(number, system=True, prompt=int(length))
        for number, length in enumerate(generator.choice([10, 600], 64, p=[0.8, 0.2]))
    ]

    def lost(costs: list[float]) -> float:
        (slots,) = deal(costs, [one.num_tokens for one in batch], ranks=4, max_tokens=16_384)
        tokens = [len(pack_pairs([batch[number] for number in slot]).token_ids) for slot in slots]
        return max(tokens) / np.mean(tokens) - 1

    assert lost(batch_costs(batch, cost, ranks=4)) < 0.02
    assert lost([cost(one) for one in batch]) > 0.05
