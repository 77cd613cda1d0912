"""A small real Qwen3 with both heads, and pairs of very different shapes."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from tests.fixtures.small_qwen3 import qwen3_config
from themis_common.modeling.model import RewardModel
from themis_common.modeling.token_pair import TokenPair

VOCABULARY = 97


@pytest.fixture
def make_model() -> Callable[..., RewardModel]:
    def make(tied: bool = True, dtype: torch.dtype = torch.float32, random_head: bool = True) -> RewardModel:
        config = qwen3_config(
            vocabulary=VOCABULARY,
            tied=tied,
            max_position_embeddings=256,
            # large weights, so that a wrong mask or position shows
            initializer_range=0.3,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(11)
            model = RewardModel(config)
            if model.lm_head is not None:
                torch.nn.init.normal_(model.lm_head.weight, std=0.3)
            if random_head:
                torch.nn.init.normal_(model.reward_head.weight)
        return model.to(dtype)

    return make


@pytest.fixture
def pairs() -> list[TokenPair]:
    """Prefix longer than the prompt, one-token sides, long and short ones."""
    generator = np.random.default_rng(5)
    shapes = [(1, 1, 1, 1), (7, 7, 5, 3), (30, 4, 1, 20), (12, 12, 40, 1), (3, 2, 9, 9), (25, 20, 13, 31)]
    pairs = []
    for number, (prefix, prompt, chosen, rejected) in enumerate(shapes):
        ids = generator.integers(0, VOCABULARY, prefix + chosen + rejected).astype(np.int32)
        pairs.append(
            TokenPair(
                row_key=f"{number:032x}",
                prefix=ids[:prefix],
                chosen=ids[prefix : prefix + chosen],
                rejected=ids[prefix + chosen :],
                prompt_tokens=prompt,
            )
        )
    return pairs
