"""Draws of few pairs that have wanted token counts: single draws of 8 or 16 pairs differ by a third from the mean."""

import math
from collections.abc import Sequence

from tests.benchmarks import flops
from tests.benchmarks.length_sets import LengthSet, PairLengths, scaled
from tests.benchmarks.reference_trainer import MICRO_BATCH

SEEDS = 1000
_MANY = 4096

Rows = tuple[float, float, float]
"""Rows that the layers compute on: shared, packed without sharing, padded."""


def rows_of(lengths: Sequence[PairLengths]) -> Rows:
    """The rows of some pairs in the three layouts."""
    works = (
        flops.shared(lengths, flash=False),
        flops.unshared(lengths),
        flops.padded(lengths, MICRO_BATCH, flash=False),
    )
    shared, packed, padded = (work.rows for work in works)
    return shared, packed, padded


def nearest_draw(length_set: LengthSet, number: int, factor: float, wanted: Rows) -> list[PairLengths]:
    """The scaled draw, of all seeds below SEEDS, whose rows come nearest to `wanted`."""

    def draw(seed: int) -> list[PairLengths]:
        return scaled(length_set.draw(number, seed), factor)

    def distance(seed: int) -> float:
        return sum(math.log(one / other) ** 2 for one, other in zip(rows_of(draw(seed)), wanted, strict=True))

    return draw(min(range(SEEDS), key=distance))


def typical_draw(length_set: LengthSet, number: int, factor: float) -> list[PairLengths]:
    """The draw that comes nearest to the mean of its set."""
    shared, packed, padded = rows_of(scaled(length_set.draw(_MANY, 0), factor))
    share = number / _MANY
    return nearest_draw(length_set, number, factor, (share * shared, share * packed, share * padded))
