"""A small model as the plan and as transformers know it, and lengths of a few pairs."""

import numpy as np
import torch
from transformers import Qwen3Config

from pipelines.training_plan.model_shape import ModelShape
from pipelines.training_plan.pair_lengths import PairLengths
from tests.fixtures.small_qwen3 import qwen3_config
from themis_common.modeling.model import RewardModel
from themis_common.modeling.packing import PairPack, pack_pairs
from themis_common.modeling.token_pair import TokenPair

SMALL = ModelShape(
    hidden=128, layers=3, heads=8, key_value_heads=4, mlp=384, vocabulary=600, tied=True, head_dim=16
)


def config_of(shape: ModelShape) -> Qwen3Config:
    return qwen3_config(
        vocabulary=shape.vocabulary,
        hidden=shape.hidden,
        mlp=shape.mlp,
        layers=shape.layers,
        heads=shape.heads,
        key_value_heads=shape.key_value_heads,
        head_dim=shape.head_dim,
        tied=shape.tied,
    )


def model_of(shape: ModelShape, dtype: torch.dtype) -> RewardModel:
    model = RewardModel(config_of(shape)).to(dtype)
    model.reward_head.float()
    return model


def equal_pairs(
    number: int, prompt: int, chosen: int, rejected: int
) -> tuple[list[TokenPair], PairPack, PairLengths]:
    """Pairs of random tokens in the same lengths, packed, and what a plan knows of them."""
    generator = np.random.default_rng(0)
    pairs = []
    for index in range(number):
        ids = (
            generator.integers(10, SMALL.vocabulary, length, dtype=np.int32)
            for length in (prompt, chosen, rejected)
        )
        pairs.append(TokenPair(str(index), *ids, prompt_tokens=prompt))

    def triangle(n: int) -> int:
        return n * (n + 1) // 2

    lengths = PairLengths(
        pairs=number,
        tokens=prompt + chosen + rejected,
        unshared_tokens=2 * prompt + chosen + rejected,
        labels=chosen,
        keys=3 * prompt + chosen + rejected,
        attended=triangle(prompt + chosen) + rejected * prompt + triangle(rejected),
        unshared_attended=triangle(prompt + chosen) + triangle(prompt + rejected),
        longest=prompt + chosen + rejected,
        source="a test",
    )
    return pairs, pack_pairs(pairs), lengths
