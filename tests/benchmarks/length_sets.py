"""Seeded sets of pair lengths that stand for the published preference data, and pairs of random tokens in them.

No token statistics of the data are published, only byte totals and a histogram of responses; the shapes below follow
from those (facts/training_peers.md section 2.2). Replace them by real histograms the day somebody has the data.

    system     0, 340 or 690 tokens for 15, 60 and 25 % of the pairs; all begin with the same 254 (facts/training.md
               section 2: 1,247 of 1,670 characters; what follows names one criterion, or all of them in any order)
    input      12 + lognormal
    responses  20 + gamma, times lognormal(0, 0.12) for either side
"""

import math
from dataclasses import dataclass

import numpy as np

from themis_common.modeling.token_pair import TokenPair

PREAMBLE = 254
FIRST_TOKEN = 10
"""Smaller ids are left out, so that any of them can serve as padding."""


@dataclass(frozen=True, slots=True)
class PairLengths:
    """Tokens of the shared prompt and of either response; `preamble` of the prompt begin all system texts."""

    prompt: int
    chosen: int
    rejected: int
    preamble: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthSet:
    """A distribution of pairs; lengths are tokens."""

    name: str
    input_median: float
    input_sigma: float
    response_shape: float
    response_mean: float
    cap: int

    def draw(self, number: int, seed: int) -> list[PairLengths]:
        """`number` pairs of which no side is longer than the cap."""
        generator = np.random.default_rng(seed)
        drawn: list[PairLengths] = []
        while len(drawn) < number:
            system = generator.choice([0, 340, 690], p=[0.15, 0.60, 0.25])
            asked = 12 + generator.lognormal(math.log(self.input_median), self.input_sigma)
            base = 20 + generator.gamma(self.response_shape, self.response_mean / self.response_shape)
            chosen, rejected = base * generator.lognormal(0.0, 0.12, 2)
            preamble = PREAMBLE if system else 0
            lengths = PairLengths(int(system + asked), int(chosen), int(rejected), preamble)
            if lengths.prompt + max(lengths.chosen, lengths.rejected) <= self.cap:
                drawn.append(lengths)
        return drawn


PM = LengthSet(name="PM", input_median=170, input_sigma=0.9, response_shape=1.15, response_mean=800, cap=4096)
PT = LengthSet(name="PT", input_median=110, input_sigma=0.9, response_shape=1.3, response_mean=330, cap=2560)


def scaled(lengths: list[PairLengths], factor: float) -> list[PairLengths]:
    """The same pairs with shorter texts, for machines without an accelerator."""
    return [
        PairLengths(
            *(max(2, round(factor * part)) for part in (pair.prompt, pair.chosen, pair.rejected)),
            preamble=round(factor * pair.preamble),
        )
        for pair in lengths
    ]


def token_pairs(
    lengths: list[PairLengths], vocabulary: int, seed: int, *, with_preamble: bool = False
) -> list[TokenPair]:
    """Pairs of random tokens in these lengths; the two responses share no leading token.

    Args:
        with_preamble: let the prompts that have a system text begin alike; else no two prompts do.
    """
    generator = np.random.default_rng(seed)
    preamble = np.random.default_rng([seed, 1]).integers(FIRST_TOKEN, vocabulary, PREAMBLE, dtype=np.int32)
    pairs = []
    for number, pair in enumerate(lengths):
        prefix, chosen, rejected = (
            generator.integers(FIRST_TOKEN, vocabulary, length, dtype=np.int32)
            for length in (pair.prompt, pair.chosen, pair.rejected)
        )
        if with_preamble:
            prefix[: pair.preamble] = preamble[: pair.preamble]
        if chosen[0] == rejected[0]:
            rejected[0] = FIRST_TOKEN + (rejected[0] - FIRST_TOKEN + 1) % (vocabulary - FIRST_TOKEN)
        pairs.append(TokenPair(f"{number:032x}", prefix, chosen, rejected, prompt_tokens=pair.prompt))
    return pairs
