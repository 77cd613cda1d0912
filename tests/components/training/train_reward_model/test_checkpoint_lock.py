"""Two attempts at one run take turns."""

import threading
from pathlib import Path

from components.training.train_reward_model.checkpoint import exclusive_use


def test_a_second_attempt_waits_until_the_first_has_ended(tmp_path: Path) -> None:
    events: list[str] = []
    waiting = threading.Event()

    def say(text: str) -> None:
        events.append(text)
        waiting.set()

    def second_attempt() -> None:
        with exclusive_use(tmp_path, say):
            events.append("second runs")

    with exclusive_use(tmp_path, events.append):
        thread = threading.Thread(target=second_attempt)
        thread.start()
        assert waiting.wait(timeout=10)
        events.append("first ends")
    thread.join(timeout=10)
    assert events[0].startswith("another training process still uses")
    assert events[1:] == ["first ends", "second runs"]
