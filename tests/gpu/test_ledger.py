"""What a run remembers: finished cases are not repeated, failed ones are tried again, deaths leave their mark."""

import time
from pathlib import Path

import pytest

from tests.gpu.cases import SKIPPED, Group, Ledger, Outcome, Values
from tests.gpu.worker import run_group

FOREVER = time.time() + 1e6


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


def test_a_failed_case_is_recorded_and_tried_again_by_the_next_run_only(
    ledger: Ledger, tmp_path: Path
) -> None:
    calls: list[str] = []
    broken = True

    def fine(_: Path) -> Values:
        calls.append("fine")
        return {"passed": True}

    def fails(_: Path) -> Values:
        calls.append("fails")
        if broken:
            raise ValueError("out of\nmemory")
        return {}

    group = Group("item/group", {"a": fine, "b": fails, "c": fine})
    assert run_group(group, ledger, tmp_path, "first", FOREVER) == 1
    assert ledger.latest()["b"].error == "ValueError: out of memory"
    assert run_group(group, ledger, tmp_path, "first", FOREVER) == 0
    assert calls == ["fine", "fails", "fine"]
    broken = False
    assert run_group(group, ledger, tmp_path, "second", FOREVER) == 0
    assert calls == ["fine", "fails", "fine", "fails"]
    assert not any(outcome.failed for outcome in ledger.latest().values())
    assert ledger.left(group, "third") == []


def test_what_did_not_pass_or_was_left_out_is_not_finished(ledger: Ledger, tmp_path: Path) -> None:
    group = Group("item/group", {"a": lambda _: {"passed": False}, "b": lambda _: {SKIPPED: "no trl"}})
    run_group(group, ledger, tmp_path, "first", FOREVER)
    assert ledger.left(group, "second") == ["a", "b"]
    assert [outcome.failed for outcome in ledger.latest().values()] == [True, False]


def test_a_case_is_not_begun_without_time(ledger: Ledger, tmp_path: Path) -> None:
    group = Group("item/group", {"a": lambda _: {}})
    assert run_group(group, ledger, tmp_path, "first", time.time() + 5) == 0
    assert ledger.latest() == {}


def test_the_case_under_which_a_process_died_is_named(ledger: Ledger) -> None:
    group = Group("item/group", {"a": lambda _: {}, "b": lambda _: {}})
    ledger.add(Outcome(key="a", run="first", seconds=1.0, values={}))
    ledger.add(Outcome(key="b", run="first"))
    ledger.close_begun(group, "first", "its process ended with -9")
    assert ledger.latest()["b"].error == "its process ended with -9"
    assert ledger.left(group, "first") == []
    assert ledger.left(group, "second") == ["b"]
