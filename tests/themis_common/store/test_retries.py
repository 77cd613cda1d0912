"""Trying again: how often, how long, and when not."""

import logging
import random
from collections.abc import Callable
from statistics import mean

import pytest

from tests.themis_common.store.conftest import FakeTime
from themis_common.errors import TransientError
from themis_common.store.retries import PassingFault, Retries


def failing(times: int, fault: Callable[[], Exception]) -> Callable[[], str]:
    """A request that fails so often and then succeeds."""
    left = iter(range(times))

    def request() -> str:
        if next(left, None) is not None:
            raise fault()
        return "done"

    return request


def retries(fake_time: FakeTime, seed: int = 0) -> Retries:
    return Retries(
        deadline=100.0,
        first_delay=1.0,
        longest_delay=8.0,
        clock=fake_time.clock,
        sleep=fake_time.sleep,
        jitter=random.Random(seed),
    )


def test_pauses_double_up_to_a_bound_and_are_jittered() -> None:
    pauses = []
    for seed in range(300):
        fake_time = FakeTime()
        assert retries(fake_time, seed).call("x", failing(6, lambda: PassingFault("503"))) == "done"
        pauses.append(fake_time.sleeps)
    bounds = [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    for column, bound in zip(zip(*pauses, strict=True), bounds, strict=True):
        assert 0.0 <= min(column) < 0.1 * bound
        assert 0.9 * bound < max(column) <= bound
        assert mean(column) == pytest.approx(bound / 2, rel=0.15)


def test_it_gives_up_at_the_deadline(fake_time: FakeTime) -> None:
    with pytest.raises(TransientError, match=r"cannot read x: 503; gave up after \d+ attempts in \d+ s"):
        retries(fake_time).call("cannot read x", failing(10**6, lambda: PassingFault("503")))
    assert 90.0 < fake_time.now <= 100.0


def test_the_other_side_may_ask_for_a_longer_pause(fake_time: FakeTime) -> None:
    retries(fake_time).call("x", failing(2, lambda: PassingFault("429", retry_after=20.0)))
    assert fake_time.sleeps == [20.0, 20.0]


def test_a_pause_beyond_the_deadline_is_not_begun(fake_time: FakeTime) -> None:
    with pytest.raises(TransientError, match="429"):
        retries(fake_time).call("x", failing(2, lambda: PassingFault("429", retry_after=200.0)))
    assert fake_time.sleeps == []


def test_other_errors_are_not_tried_again(fake_time: FakeTime) -> None:
    with pytest.raises(KeyError):
        retries(fake_time).call("x", failing(1, lambda: KeyError("a defect")))
    assert fake_time.sleeps == []


def test_lasting_trouble_is_told(fake_time: FakeTime, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        retries(fake_time).call("cannot read x", failing(2, lambda: PassingFault("503")))
        assert caplog.messages == []
        retries(fake_time).call("cannot read x", failing(3, lambda: PassingFault("503")))
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("cannot read x: 503; attempt 4 in")
