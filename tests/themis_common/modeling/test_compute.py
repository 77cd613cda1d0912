"""Counted FLOPs: what sharing prefixes saves against padding and against plain packing (one forward pass)."""

from collections.abc import Callable

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.themis_common.modeling.conftest import VOCABULARY
from themis_common.modeling.model import RewardModel
from themis_common.modeling.packing import SegmentForest, pack_pairs
from themis_common.modeling.token_pair import TokenPair


def code_like_pairs(number: int) -> list[TokenPair]:
    """Lengths as in facts/training_peers.md section 2.2, divided by ten."""
    generator, tokens = np.random.default_rng(4), np.random.default_rng(5)
    pairs = []
    for _ in range(number):
        prompt = int(
            generator.choice([0, 34, 69], p=[0.15, 0.6, 0.25]) + 1 + generator.lognormal(np.log(17), 0.9)
        )
        response = 2 + generator.gamma(1.15, 80 / 1.15)
        chosen, rejected = (max(1, int(response * generator.lognormal(0, 0.12))) for _ in range(2))
        # random, so that no two prompts begin alike
        ids = tokens.integers(0, VOCABULARY, prompt + chosen + rejected, dtype=np.int32)
        pairs.append(TokenPair("", ids[:prompt], ids[:chosen], ids[:rejected], prompt_tokens=prompt))
    return pairs


def flops(run: Callable[[], object]) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def test_shared_prefixes_cost_less_than_packing_and_half_of_padding(
    make_model: Callable[..., RewardModel],
) -> None:
    model = make_model()
    pairs = code_like_pairs(16)
    shared = flops(lambda: model(pack_pairs(pairs), with_lm=False))

    def packed() -> None:
        forest = SegmentForest()
        for pair in pairs:
            for side in (pair.chosen, pair.rejected):
                forest.add(np.concatenate([pair.prefix, side]))
        model.body(
            input_ids=forest.token_ids()[None],
            position_ids=forest.positions()[None],
            segments=forest.segments(),
        )

    def padded() -> None:
        for start in range(0, 16, 4):
            for side in ("chosen", "rejected"):
                length = max(len(pair.prefix) + len(getattr(pair, side)) for pair in pairs[start : start + 4])
                forest = SegmentForest()
                for _ in range(4):
                    forest.add(np.ones(length, np.int32))
                model.body(
                    input_ids=forest.token_ids()[None],
                    position_ids=forest.positions()[None],
                    segments=forest.segments(),
                )

    assert shared < 0.80 * flops(packed)
    assert shared < 0.55 * flops(padded)
