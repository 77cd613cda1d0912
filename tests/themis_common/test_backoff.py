"""The pause before another attempt."""

import random

import pytest

from themis_common.backoff import full_jitter


@pytest.mark.parametrize(("attempts", "bound"), [(1, 0.5), (2, 1.0), (5, 8.0), (6, 10.0), (1000, 10.0)])
def test_the_bound_doubles_up_to_the_longest_pause(attempts: int, bound: float) -> None:
    jitter = random.Random(3)
    pauses = [full_jitter(attempts, first=0.5, longest=10.0, jitter=jitter) for _ in range(2000)]
    assert 0.0 <= min(pauses) < 0.02 * bound
    assert 0.98 * bound < max(pauses) <= bound
    assert sum(pauses) / len(pauses) == pytest.approx(bound / 2, rel=0.05)
