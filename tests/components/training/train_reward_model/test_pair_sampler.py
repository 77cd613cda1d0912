"""The order of pairs: whole epochs, no dependence on sharding, and a place that survives restarts."""

import random
from itertools import chain

from components.training.train_reward_model.sampler import DataState, PairSampler

KEYS = [f"{number:04d}" for number in range(23)]


def take(sampler: PairSampler, batches: int) -> list[list[str]]:
    return [[KEYS[number] for number in sampler.next_batch()] for _ in range(batches)]


def test_every_epoch_holds_every_pair_once_in_an_order_of_its_own() -> None:
    sampler = PairSampler(KEYS, 5, DataState(seed=1))
    first, second = take(sampler, 5), take(sampler, 5)
    assert sampler.steps_per_epoch == 5
    assert [len(batch) for batch in first] == [5, 5, 5, 5, 3]
    assert sorted(chain(*first)) == sorted(chain(*second)) == KEYS
    assert first != second
    assert sampler.state == DataState(seed=1, epoch=2, cursor=0)


def test_the_order_depends_on_keys_and_seed_and_not_on_the_order_of_rows() -> None:
    shuffled = random.Random(5).sample(KEYS, len(KEYS))
    other = PairSampler(shuffled, 5, DataState(seed=1))
    reshuffled = [[shuffled[number] for number in other.next_batch()] for _ in range(5)]
    assert reshuffled == take(PairSampler(KEYS, 5, DataState(seed=1)), 5)
    assert take(PairSampler(KEYS, 5, DataState(seed=2)), 5) != reshuffled


def test_a_stored_place_goes_on_where_it_was_left() -> None:
    undisturbed = take(PairSampler(KEYS, 5, DataState(seed=1)), 12)
    for interrupted_after in range(12):
        sampler = PairSampler(KEYS, 5, DataState(seed=1))
        before = take(sampler, interrupted_after)
        after = take(PairSampler(KEYS, 5, sampler.state), 12 - interrupted_after)
        assert before + after == undisturbed


def test_the_steps_of_the_published_recipes() -> None:
    # facts/training.md section 1: 109 steps an epoch in PT, 692 in PM
    for pairs, batch, steps in ((110_717, 1024, 109), (354_010, 512, 692)):
        sampler = PairSampler([""] * pairs, batch, DataState(seed=0))
        assert sampler.steps_per_epoch == steps
