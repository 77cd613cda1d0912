"""When a server may be asked, and when it counts as down; on a clock that only sleeping moves."""

import pytest

from components.dataset.retrieve_contents.host import Host
from themis_common.errors import TransientError


class Clock:
    """Seconds since the start."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self) -> float:
        return self.now


def host_and_clock(pause: float = 0.0) -> tuple[Host, Clock]:
    clock = Clock()
    return Host(pause, clock=clock, sleep=clock.sleep), clock


def test_starts_are_spaced() -> None:
    host, clock = host_and_clock(pause=0.5)
    starts = []
    for _ in range(4):
        host.wait_for_turn()
        starts.append(clock.now)
    assert starts == [0.0, 0.5, 1.0, 1.5]
    clock.sleep(10.0)
    host.wait_for_turn()
    assert clock.now == 11.5


def test_a_hold_is_for_everybody_and_never_shortened() -> None:
    host, clock = host_and_clock(pause=0.5)
    host.hold(60.0)
    host.hold(5.0)
    host.wait_for_turn()
    assert clock.now == 60.0
    host.wait_for_turn()
    assert clock.now == 60.5


def test_a_hold_that_begins_while_somebody_waits_counts_for_him() -> None:
    clock = Clock()

    def sleep(seconds: float) -> None:
        if clock.now == 0.0:
            host.hold(30.0)
        clock.sleep(seconds)

    host = Host(5.0, clock=clock, sleep=sleep)
    host.wait_for_turn()
    host.wait_for_turn()
    assert clock.now == 30.0


def test_eight_silent_repositories_in_a_row_are_an_outage() -> None:
    host, _ = host_and_clock()
    for number in range(7):
        host.was_silent(f"acme/r{number}", "503", slow=False)
    host.answered()
    for number in range(7):
        host.was_silent(f"acme/s{number}", "503", slow=number % 2 == 0)
    with pytest.raises(
        TransientError, match="does not answer: reset; nothing was heard about acme/s0, .*acme/t;"
    ):
        host.was_silent("acme/t", "reset", slow=False)


@pytest.mark.parametrize(
    ("slow", "answered", "down"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_a_server_of_which_nothing_was_heard_is_down(slow: bool, answered: bool, down: bool) -> None:
    host, _ = host_and_clock()
    if answered:
        host.answered()
    host.was_silent("acme/shop", "503", slow=slow)
    if not down:
        host.check_heard()
        return
    with pytest.raises(TransientError, match="503"):
        host.check_heard()
