"""The tables say which targets are met, which are missed, and what was not run."""

from pathlib import Path
from typing import Any

from tests.gpu.cases import SKIPPED, Ledger, Outcome
from tests.gpu.tables import tables

KEYS = (
    "checks/matrix product",
    *(f"training/0.6B/{side}" for side in ("ours", "reference", "ours, sharing off", "ours, reward only")),
    "training/0.6B/TRL, micro-batch 4",
    "smoke/liger",
    "smoke/lora",
)


def timed(seconds: float, objective: str = "full") -> dict[str, Any]:
    return {
        "size": "0.6B",
        "set": "PM",
        "objective": objective,
        "pairs": 100,
        "tokens": 300_000,
        "seconds": seconds,
        "limit_flops": 8e14,
        "executed_flops": 9e14,
        "peak_gib": 40.0,
        "gradient_error": 0.01,
    }


def test_targets_are_judged_against_what_was_measured(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    found = {
        "checks/matrix product": {"TFLOP/s": 800.0, "passed": True},
        "training/0.6B/ours": timed(2.0),
        "training/0.6B/reference": timed(5.0),
        "training/0.6B/ours, sharing off": timed(2.2),
        "training/0.6B/TRL, micro-batch 4": {SKIPPED: "trl not installed"},
        "smoke/liger": {"passed": False, "seconds": 9.0},
    }
    for key, values in found.items():
        ledger.add(Outcome(key=key, run="first", seconds=1.0, values=values))
    ledger.add(Outcome(key="smoke/lora", run="first", seconds=1.0, error="RuntimeError: a | b"))
    text = "\n".join(tables(ledger, KEYS))
    assert "2.5 (target >= 2.2: met)" in text
    assert "1.1 (target >= 1.22: MISSED)" in text
    # 8e14 FLOPs in 2 s at 800 TFLOP/s
    assert "0.5 (target >= 0.4: met)" in text
    assert "0.5 (target >= 0.55: MISSED)" in text
    missing = text.split("## Failed or missing")[1].split("##")[0]
    for words in ("not run yet", "left out: trl not installed", "did not pass", "RuntimeError: a \\| b"):
        assert words in missing


def test_nothing_at_all_is_a_list_of_what_is_missing(tmp_path: Path) -> None:
    (text,) = tables(Ledger(tmp_path / "ledger.jsonl"), KEYS)
    assert text.count("not run yet") == len(KEYS)
