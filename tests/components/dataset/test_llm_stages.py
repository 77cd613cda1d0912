"""The stages that ask a language model, against a real endpoint: what is paid for once stays paid for."""

import io
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.dataset.judge_preferences.config import JudgePreferencesConfig
from components.dataset.judge_preferences.stage import STAGE as JUDGE
from components.dataset.judge_preferences.stage import VOTES
from components.dataset.rate_changes.config import RateChangesConfig
from components.dataset.rate_changes.stage import RATINGS
from components.dataset.rate_changes.stage import STAGE as RATE
from tests.components.dataset.changes import classified, rated
from tests.components.dataset.written import write_dataset
from tests.fixtures.openai_endpoint import Fault, OpenAIEndpoint, completion, error
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.llm.config import BudgetConfig, EngineConfig, LimitsConfig
from themis_common.progress import Progress
from themis_common.schemas import CLASSIFIED_CHANGES, JUDGED_CHANGES, RATED_CHANGES
from themis_common.stages import gather, map_units, plan_units, run_stage

CHANGES = [classified(f"c{number}") for number in range(12)]
SAMPLES = 3


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIEndpoint]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with OpenAIEndpoint(reply=lambda body: review(5)) as running:
        yield running


@pytest.fixture
def source(tmp_path: Path) -> str:
    return write_dataset(tmp_path / "in", CLASSIFIED_CHANGES, CHANGES, shards=4)


def review(rating: int, instruction: str = "Find users by name.") -> str:
    return f"[SUMMARY]safer[/SUMMARY][RATING]{rating}[/RATING][INSTRUCTION]{instruction}[/INSTRUCTION]"


def rating_by(endpoint: OpenAIEndpoint, **values: Any) -> RateChangesConfig:
    limits = LimitsConfig(concurrency=4, attempts=1)
    llm = EngineConfig(engine="openai", model="judge", base_url=endpoint.base_url, limits=limits)
    return RateChangesConfig(llm=replace(llm, **values), num_samples=SAMPLES)


def rate(config: RateChangesConfig, source: str, output: Path) -> DatasetReader:
    report = run_stage(
        RATE, config, {"classified": source}, str(output), progress=Progress("rate", stream=io.StringIO())
    )
    return DatasetReader(report.uri, RATED_CHANGES)


def data_files(folder: Path) -> dict[str, bytes]:
    """The files of a dataset that are the same in every run."""
    files = (path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith("_")}


def test_a_second_run_asks_nothing_and_gives_the_same_bytes(
    endpoint: OpenAIEndpoint, source: str, tmp_path: Path
) -> None:
    number = iter(range(10**6))
    endpoint.reply = lambda body: review(4 + next(number) % 2, f"Instruction {next(number)}")
    kept = str(tmp_path / "answers")
    first = rate(rating_by(endpoint, responses=kept), source, tmp_path / "first")
    asked = len(endpoint.requests)
    assert (asked, first.manifest.rows) == (len(CHANGES) * SAMPLES, len(CHANGES))
    other_speed = rating_by(endpoint, responses=kept, batch_size=5, limits=LimitsConfig(concurrency=1))
    rate(other_speed, source, tmp_path / "second")
    assert len(endpoint.requests) == asked
    files = data_files(tmp_path / "first")
    assert len(files) > 4
    assert data_files(tmp_path / "second") == files


def test_another_bar_uses_the_same_answers(endpoint: OpenAIEndpoint, source: str, tmp_path: Path) -> None:
    config = rating_by(endpoint, responses=str(tmp_path / "answers"))
    assert rate(config, source, tmp_path / "first").manifest.rows == len(CHANGES)
    stricter = replace(config, min_rating=5.0)
    assert rate(stricter, source, tmp_path / "second").manifest.rows == len(CHANGES)
    assert len(endpoint.requests) == len(CHANGES) * SAMPLES


def test_answers_that_fail_are_rows_and_the_run_goes_on(
    endpoint: OpenAIEndpoint, source: str, tmp_path: Path
) -> None:
    endpoint.faults.extend([error(400, "maximum context length is 10", code="context_length_exceeded")] * 3)
    endpoint.faults.extend([Fault(kind="status", body=completion("", refusal="No."))] * 3)
    endpoint.faults.extend([Fault(kind="status", body=completion("[RATING]4", finish_reason="length"))] * 3)
    limits = LimitsConfig(concurrency=1)
    dataset = rate(rating_by(endpoint, limits=limits), source, tmp_path / "out")
    reviews = list(dataset.side_rows("ratings", RATINGS))
    failed = [row["failures"] for row in reviews if row["failures"]]
    assert failed == [["too_long"] * 3, ["refused"] * 3, ["truncated"] * 3]
    assert {row["engine"] for row in reviews} == {"openai:judge"}
    assert dict(dataset.manifest.counts.dropped) == {"unparsable": 3}
    assert dataset.manifest.rows == len(CHANGES) - 3


def test_judging_keeps_failures_as_votes_and_asks_once(endpoint: OpenAIEndpoint, tmp_path: Path) -> None:
    endpoint.reply = lambda body: "[EVALUATION]clear[/EVALUATION][JUDGEMENT]TIE[/JUDGEMENT]"
    endpoint.faults.extend([error(400, "filtered", code="content_filter")] * 2)
    llm = replace(rating_by(endpoint).llm, limits=LimitsConfig(concurrency=1))
    source = write_dataset(tmp_path / "in", RATED_CHANGES, [rated("a"), rated("b")])
    report = run_stage(JUDGE, JudgePreferencesConfig(llm=llm), {"rated": source}, str(tmp_path / "out"))
    dataset = DatasetReader(report.uri, JUDGED_CHANGES)
    votes = list(dataset.side_rows("votes", VOTES))
    assert [vote["failure"] for vote in votes] == ["refused", "refused", *[""] * 14]
    assert len(endpoint.requests) == 16
    assert dict(dataset.manifest.counts.dropped) == {"undecided": 2}


def test_a_run_that_met_its_cap_goes_on_with_a_higher_one(
    endpoint: OpenAIEndpoint, source: str, tmp_path: Path
) -> None:
    with pytest.raises(
        UserError, match=r"max_requests is 20: 20 made, 0 left; raise llm.budget.max_requests"
    ):
        rate(rating_by(endpoint, budget=BudgetConfig(max_requests=20)), source, tmp_path / "out")
    assert len(endpoint.requests) == 20
    dataset = rate(rating_by(endpoint, budget=BudgetConfig(max_requests=36)), source, tmp_path / "out")
    assert dataset.manifest.rows == len(CHANGES)
    assert len(endpoint.requests) == 36


def test_map_pods_share_the_cap_and_the_answers(
    endpoint: OpenAIEndpoint, source: str, tmp_path: Path
) -> None:
    endpoint.latency = 0.01
    uris, output = {"classified": source}, str(tmp_path / "out")
    refusals: list[str] = []

    def pod(config: RateChangesConfig, first: int) -> None:
        try:
            map_units(RATE, config, uris, output, units, range(first, len(units), 2), progress=quiet)
        except UserError as refusal:
            refusals.append(str(refusal))

    def all_pods(config: RateChangesConfig) -> None:
        pods = [threading.Thread(target=pod, args=(config, first)) for first in range(2)]
        for running in pods:
            running.start()
        for running in pods:
            running.join()

    quiet = Progress("rate", stream=io.StringIO())
    capped = rating_by(endpoint, budget=BudgetConfig(max_requests=25))
    units = plan_units(RATE, capped, uris, output)
    all_pods(capped)
    assert refusals
    assert len(endpoint.requests) <= 25
    enough = rating_by(endpoint, budget=BudgetConfig(max_requests=36))
    refusals.clear()
    all_pods(enough)
    # near its end, a cap can be in the hands of the other pod; what is left then is enough for the next run
    all_pods(enough)
    assert gather(RATE, enough, uris, output, units).manifest.rows == len(CHANGES)
    assert len(endpoint.requests) == 36


RUN = """
import json, sys
from components.dataset.rate_changes.config import RateChangesConfig
from components.dataset.rate_changes.stage import STAGE
from themis_common.config import load_config
from themis_common.stages import run_stage
source, output, values = sys.argv[1:]
config = load_config(RateChangesConfig, json.loads(values), where="test")
run_stage(STAGE, config, {"classified": source}, output)
"""


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_killed_pays_again_only_for_what_it_lost(
    endpoint: OpenAIEndpoint, tmp_path: Path, kind: signal.Signals
) -> None:
    changes = [classified(f"c{number}") for number in range(24)]
    source = write_dataset(tmp_path / "in", CLASSIFIED_CHANGES, changes)
    needed = len(changes) * SAMPLES
    endpoint.latency = 0.25
    config = rating_by(endpoint, budget=BudgetConfig(max_requests=1000))
    values: dict[str, Any] = {
        "num_samples": SAMPLES,
        "llm": {
            "engine": "openai",
            "model": "judge",
            "base_url": endpoint.base_url,
            "limits": {"concurrency": 4, "attempts": 1},
            "budget": {"max_requests": 1000},
        },
    }
    output = tmp_path / "out"
    arguments = [sys.executable, "-c", RUN, source, str(output), json.dumps(values)]
    with subprocess.Popen(arguments, cwd=Path(__file__).parents[3], stderr=subprocess.DEVNULL) as run:
        while len(endpoint.requests) < needed // 2:
            assert run.poll() is None
            time.sleep(0.01)
        run.send_signal(kind)
    asked = len(endpoint.requests)
    assert asked < needed
    folder = output / "_workspace"
    kept = sum(len(file.read_text().splitlines()) for file in folder.rglob("*.jsonl"))
    assert kept > 0
    if kind == signal.SIGINT:
        assert asked - kept <= 4
        [*_, newest] = sorted((folder / "budget").iterdir())
        assert json.loads(newest.read_text()) == {"paid": {"requests": asked, "spend": 0}, "held": {}}
    endpoint.latency = 0.0
    assert rate(config, source, output).manifest.rows == len(changes)
    assert len(endpoint.requests) == asked + needed - kept
