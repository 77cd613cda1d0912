"""Pacing in fake time."""

import asyncio

from tests.themis_common.llm.conftest import FakeTime
from themis_common.llm.rate_limit import Pace


def starts(pace: Pace, time: FakeTime, tokens: list[int]) -> list[float]:
    """When each of several requests starts that ask for their turn one after the other."""

    async def run() -> list[float]:
        found = []
        for number in tokens:
            await pace.turn(number)
            found.append(time.now)
        return found

    return asyncio.run(run())


def test_requests_are_spaced_evenly(time: FakeTime) -> None:
    pace = Pace(120, None, clock=time.clock, sleep=time.sleep)
    assert starts(pace, time, [10] * 5) == [0.0, 0.5, 1.0, 1.5, 2.0]


def test_no_minute_holds_more_than_the_limit(time: FakeTime) -> None:
    pace = Pace(30, None, clock=time.clock, sleep=time.sleep)
    found = starts(pace, time, [1] * 100)
    assert max(sum(begin <= start < begin + 60 for start in found) for begin in found) == 30


def test_tokens_take_up_time(time: FakeTime) -> None:
    pace = Pace(None, 6000, clock=time.clock, sleep=time.sleep)
    assert starts(pace, time, [100, 300, 100]) == [0.0, 1.0, 4.0]


def test_the_tighter_limit_counts(time: FakeTime) -> None:
    pace = Pace(60, 6000, clock=time.clock, sleep=time.sleep)
    assert starts(pace, time, [10, 300, 10]) == [0.0, 1.0, 4.0]


def test_unused_tokens_are_given_back(time: FakeTime) -> None:
    pace = Pace(None, 6000, clock=time.clock, sleep=time.sleep)
    starts(pace, time, [1000])
    pace.correct(1000, 200)
    assert starts(pace, time, [1]) == [2.0]


def test_time_that_was_not_used_is_not_saved_up(time: FakeTime) -> None:
    pace = Pace(60, None, clock=time.clock, sleep=time.sleep)
    starts(pace, time, [1])
    time.now = 100.0
    assert starts(pace, time, [1, 1]) == [100.0, 101.0]


def test_a_hold_stops_those_who_wait_already(time: FakeTime) -> None:
    pace = Pace(60, None, clock=time.clock, sleep=time.sleep)

    async def run() -> list[float]:
        found = []

        async def one() -> None:
            await pace.turn(1)
            found.append(time.now)

        await one()
        waiting = asyncio.create_task(one())
        await asyncio.sleep(0)
        pace.hold(20.0)
        await waiting
        await one()
        return found

    first, second, third = asyncio.run(run())
    assert first == 0.0
    assert second >= 20.0
    assert third >= second + 1.0


def test_without_limits_nobody_waits(time: FakeTime) -> None:
    pace = Pace(None, None, clock=time.clock, sleep=time.sleep)
    assert starts(pace, time, [10**6] * 3) == [0.0, 0.0, 0.0]
    assert time.sleeps == []
