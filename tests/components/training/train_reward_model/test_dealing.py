"""Dealing: every pair once, no slot too full, ranks alike."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.training.train_reward_model.dealing import PairCost, deal, longest
from tests.fixtures.small_qwen3 import qwen3_config
from themis_common.modeling.token_pair import TokenPair

MAX_TOKENS = 100


@given(
    tokens=st.lists(st.integers(1, MAX_TOKENS), max_size=40),
    ranks=st.integers(1, 6),
)
def test_every_pair_is_dealt_once_and_no_slot_overflows(tokens: list[int], ranks: int) -> None:
    costs = [count**1.5 for count in tokens]
    slots = deal(costs, tokens, ranks, MAX_TOKENS)
    assert len(slots) >= 1
    assert all(len(micro_step) == ranks for micro_step in slots)
    dealt = [pair for micro_step in slots for slot in micro_step for pair in slot]
    assert sorted(dealt) == list(range(len(tokens)))
    assert all(
        sum(tokens[pair] for pair in slot) <= MAX_TOKENS for micro_step in slots for slot in micro_step
    )


def _length(generator: np.random.Generator) -> int:
    """Packed tokens of a code pair (facts/training_peers.md section 2.2)."""
    prompt = (
        generator.choice([0, 340, 690], p=[0.15, 0.6, 0.25]) + 12 + generator.lognormal(math.log(170), 0.9)
    )
    response = 20 + generator.gamma(1.15, 800 / 1.15)
    return int(min(prompt + response * generator.lognormal(0, 0.12, 2).sum(), 8192))


def test_a_global_batch_on_64_ranks_is_within_two_per_cent_of_even() -> None:
    generator = np.random.default_rng(0)
    tokens = [_length(generator) for _ in range(512)]
    costs = [float(count) for count in tokens]
    slots = deal(costs, tokens, 64, 65536)
    assert len(slots) == 1
    loads = [sum(costs[pair] for pair in slot) for slot in slots[0]]
    assert max(loads) / (sum(loads) / 64) < 1.02


def test_a_pair_larger_than_the_mean_slot_makes_one_micro_step_long_for_all() -> None:
    # with slots of 12 all alike, the first micro-step would still last 20, and the second 12
    costs = [20.0] + [2.0] * 38
    slots = deal(costs, [10] * 39, ranks=4, max_tokens=90)
    assert [len(micro_step) for micro_step in slots] == [4, 4]
    assert longest(slots, costs) < 30


def test_micro_steps_are_as_few_as_the_tokens_allow() -> None:
    assert len(deal([1.0] * 8, [50] * 8, ranks=2, max_tokens=100)) == 2
    # two of these never fit together, so eight slots are needed although the sum would fit into five
    assert len(deal([1.0] * 8, [60] * 8, ranks=2, max_tokens=100)) == 4


def test_a_pair_larger_than_a_slot_is_refused() -> None:
    with pytest.raises(AssertionError, match="larger than a slot"):
        deal([1.0], [101], ranks=1, max_tokens=100)


def test_the_cost_of_a_pair_by_hand() -> None:
    config = qwen3_config(vocabulary=50, hidden=8, mlp=16, layers=3)
    ids = np.zeros(9, np.int32)
    pair = TokenPair("a", prefix=ids[:5], chosen=ids[:3], rejected=ids[:2], prompt_tokens=4)
    weights_of_a_layer = 8 * 8 + 2 * (8 * 4) + 8 * 8 + 3 * 8 * 16
    attended = sum(range(1, 9)) + (6 + 7)
    expected = 10 * 3 * 2 * weights_of_a_layer + attended * 3 * 4 * 8 + 4 * 2 * 50 * 8
    assert math.isclose(PairCost.of_model(config)(pair), expected)
