"""Dealing a global batch to ranks by cost: how even the ranks get, and what dealing takes beside the step it feeds.

Against: dealing at random, which is what a shuffled loader does. 512 PM-like pairs of `length_sets.py` go to 64 ranks;
cost is FLOPs at the shape of Qwen3-0.6B (the size with the shortest step, so the hardest for dealing). With sharded
weights a micro-step lasts as long as its slowest rank, so what is lost is the sum over micro-steps of the costliest
slot, over the mean.

How to read it: "lost" is the share of the step that ranks wait, counted, over 20 seeded batches, so it is asserted. The
seconds of dealing and packing compare with the step at half of 790 TFLOP/s on each rank (a prediction: no GPU runs
here); every rank deals the whole batch and packs its own part while the GPU computes.
"""

import statistics
from random import Random

import pytest

from components.training.train_reward_model.dealing import PairCost, deal
from tests.benchmarks.length_sets import PM, token_pairs
from tests.benchmarks.measure import interleaved, timed
from tests.benchmarks.qwen3 import qwen3
from tests.benchmarks.report import Report, Table, at_most
from themis_common.modeling.packing import pack_pairs

pytestmark = pytest.mark.slow

NUM_PAIRS, RANKS = 512, 64
BATCHES = 20
RANK_FLOPS = 0.5 * 790e12
TRAINING_OVER_FORWARD = 3


def lost(slots: list[list[list[int]]], costs: list[float]) -> float:
    """The share of the mean rank's work by which the slowest ranks make a step longer."""
    loads = [[sum(costs[pair] for pair in slot) for slot in micro_step] for micro_step in slots]
    return sum(max(step) for step in loads) / (sum(map(sum, loads)) / RANKS) - 1


def at_random(generator: Random) -> list[list[list[int]]]:
    """As many pairs for every rank, shuffled, in one micro-step."""
    numbers = list(range(NUM_PAIRS))
    generator.shuffle(numbers)
    return [[numbers[rank::RANKS] for rank in range(RANKS)]]


def test_dealing(report: Report) -> None:
    cost = PairCost.of_model(qwen3("0.6B"))
    batches = [token_pairs(PM.draw(NUM_PAIRS, seed), 1000, seed) for seed in range(BATCHES)]
    costs = [[cost(pair) for pair in batch] for batch in batches]
    tokens = [[pair.num_tokens for pair in batch] for batch in batches]
    shares = {
        "dealt by cost, one micro-step (32,768 tokens a slot)": [
            lost(deal(c, t, RANKS, 32_768), c) for c, t in zip(costs, tokens, strict=True)
        ],
        "dealt by cost, two micro-steps (16,384 tokens, the default)": [
            lost(deal(c, t, RANKS, 16_384), c) for c, t in zip(costs, tokens, strict=True)
        ],
        "dealt at random": [lost(at_random(Random(seed)), c) for seed, c in enumerate(costs)],
    }
    targets = [0.02, 0.02, None]
    report.add(
        Table(
            title=f"Dealing: {NUM_PAIRS} PM-like pairs to {RANKS} ranks, {BATCHES} batches",
            columns=("method", "lost, mean", "lost, worst batch"),
            rows=[
                (
                    name,
                    f"{statistics.mean(values):.3f}",
                    f"{max(values):.3f}" if target is None else at_most(max(values), target),
                )
                for (name, values), target in zip(shares.items(), targets, strict=True)
            ],
        )
    )

    batch = batches[0]

    def dealing() -> list[list[list[int]]]:
        return deal([cost(pair) for pair in batch], [pair.num_tokens for pair in batch], RANKS, 16_384)

    own = [batch[number] for number in dealing()[0][0]]
    samples = interleaved(
        {
            "dealing the whole batch": timed(dealing),
            "packing one rank's part": timed(lambda: pack_pairs(own)),
        },
        repetitions=10,
    )
    step = TRAINING_OVER_FORWARD * sum(costs[0]) / RANKS / RANK_FLOPS
    report.add(
        Table(
            title=f"Dealing: milliseconds beside a step of {1000 * step:.0f} ms (predicted, {RANKS} GPUs, 0.6B)",
            columns=("what every rank does", "CPU ms", "share of the step"),
            rows=[
                (name, f"{1000 * sample.cpu:.2f}", f"{sample.cpu / step:.3f}")
                for name, sample in samples.items()
            ],
            notes=[
                f"Dealing is {step / samples['dealing the whole batch'].cpu:.0f} times as fast as the step "
                "(target >= 20); facts/training_peers.md section 5.3 asks for less than 10 ms."
            ],
        )
    )
    one, two, random = shares.values()
    assert max(one) < 0.02
    assert max(two) < 0.02
    assert min(random) > 10 * max(one)
    assert all(
        len(micro_step) == RANKS
        for c, t in zip(costs, tokens, strict=True)
        for micro_step in deal(c, t, RANKS, 16_384)
    )
    # the target with slack, because it is timed
    assert samples["dealing the whole batch"].cpu < step / 10
