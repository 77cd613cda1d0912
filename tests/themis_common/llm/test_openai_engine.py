"""The engine against a real endpoint: order, concurrency, limits, and answers that are paid for once."""

import io
import logging
import random
import threading
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.fixtures.openai_endpoint import Fault, OpenAIEndpoint, completion, error
from tests.themis_common.llm.conftest import KEYED, SECRET, FakeTime, Opener, request, requests
from themis_common.errors import UserError
from themis_common.llm import batch
from themis_common.llm.config import BudgetConfig, EngineConfig, LimitsConfig
from themis_common.llm.engine import Usage
from themis_common.llm.factory import open_engine
from themis_common.llm.parser import AnswerError, tagged
from themis_common.llm.rules import RulesEngine
from themis_common.progress import Progress
from themis_common.store import open_store


def test_answers_come_in_the_order_of_requests_whichever_ends_first(
    endpoint: OpenAIEndpoint, opened: Opener
) -> None:
    delays = random.Random(1)
    endpoint.faults.extend(Fault(kind="slow", seconds=delays.uniform(0, 0.05)) for _ in range(40))
    with opened() as engine:
        answers = engine.complete(requests(40))
    assert [answer.text for answer in answers] == [f"answer to question {index}" for index in range(40)]
    assert {(answer.engine, answer.finish_reason, answer.usage) for answer in answers} == {
        ("openai:judge", "stop", Usage(100, 10))
    }


def test_request_goes_out_as_configured(endpoint: OpenAIEndpoint, opened: Opener) -> None:
    with opened(extra_body={"chat_template_kwargs": {"enable_thinking": False}}, **KEYED) as engine:
        engine.complete([request(seed=42)])
    [seen] = endpoint.requests
    assert seen.headers["authorization"] == f"Bearer {SECRET}"
    assert seen.body["model"] == "judge"
    assert (seen.body["temperature"], seen.body["top_p"], seen.body["seed"]) == (0.8, 0.9, 42)
    assert seen.body["chat_template_kwargs"] == {"enable_thinking": False}


def test_requests_are_not_logged_one_by_one(opened: Opener, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), opened() as engine:
        engine.complete(requests(3))
    assert caplog.messages == []


def test_concurrency_is_used_and_bounded(endpoint: OpenAIEndpoint, opened: Opener) -> None:
    endpoint.latency = 0.05
    with opened(limits=LimitsConfig(concurrency=8)) as engine:
        engine.complete(requests(64))
    assert endpoint.most_at_once == 8


def test_the_second_time_nothing_is_asked(endpoint: OpenAIEndpoint, opened: Opener) -> None:
    number = iter(range(1000))
    endpoint.reply = lambda body: f"answer {next(number)}"
    with opened() as engine:
        first = engine.complete(requests(20))
        again = engine.complete(requests(20)[::-1])
    with opened(batch_size=1, limits=LimitsConfig(concurrency=1)) as engine:
        later = engine.complete(requests(20))
    assert len(endpoint.requests) == 20
    assert again[::-1] == first == later


def test_known_answers_need_neither_endpoint_nor_key(endpoint: OpenAIEndpoint, opened: Opener) -> None:
    with opened(**KEYED) as engine:
        first = engine.complete(requests(3))
    with opened(base_url="http://127.0.0.1:9/v1", api_key_env="UNSET") as engine:
        assert engine.complete(requests(3)) == first


def test_equal_requests_are_asked_once(endpoint: OpenAIEndpoint, opened: Opener) -> None:
    with opened() as engine:
        answers = engine.complete([request("a"), request("b"), request("a"), request("a", seed=2)])
    assert len(endpoint.requests) == 3
    assert answers[0] == answers[2]


def test_failures_of_single_requests_are_answers(endpoint: OpenAIEndpoint, opened: Opener) -> None:
    endpoint.faults.append(error(400, "maximum context length is 10 tokens", code="context_length_exceeded"))
    endpoint.faults.append(error(400, "filtered", code="content_filter"))
    endpoint.faults.append(Fault(kind="status", body=completion("[RATING]4", finish_reason="length")))
    endpoint.faults.append(Fault(kind="status", body=completion("", refusal="I will not.")))
    endpoint.faults.append(Fault(kind="status", status=413, body="<html>413</html>"))
    for _ in range(2):
        with opened(limits=LimitsConfig(concurrency=1)) as engine:
            answers = engine.complete(requests(6))
        ends = ["too_long", "refused", "length", "refused", "too_long", "stop"]
        assert [answer.finish_reason for answer in answers] == ends
    assert len(endpoint.requests) == 6
    kinds = []
    for answer in answers:
        with pytest.raises(AnswerError) as failure:
            tagged(answer, "RATING")
        kinds.append(failure.value.kind)
    assert kinds == ["too_long", "refused", "truncated", "refused", "too_long", "missing_tag"]


def test_limits_space_requests(endpoint: OpenAIEndpoint, opened: Opener, time: FakeTime) -> None:
    with opened(limits=LimitsConfig(requests_per_minute=60, concurrency=1)) as engine:
        engine.complete(requests(5))
    assert time.now == pytest.approx(4.0)


def test_token_limit_follows_what_answers_really_took(
    endpoint: OpenAIEndpoint, opened: Opener, time: FakeTime
) -> None:
    with opened(limits=LimitsConfig(tokens_per_minute=6000, concurrency=1)) as engine:
        engine.complete(requests(11))
    assert time.now == pytest.approx(10 * 110 / 100)


def test_budget_stops_before_the_cap_and_a_higher_one_goes_on(
    endpoint: OpenAIEndpoint, opened: Opener
) -> None:
    with (
        opened(budget=BudgetConfig(max_requests=7)) as engine,
        pytest.raises(UserError, match=r"max_requests is 7: 7 made, 0 left; raise llm.budget.max_requests"),
    ):
        engine.complete(requests(20))
    assert len(endpoint.requests) == 7
    with opened(budget=BudgetConfig(max_requests=20)) as engine:
        assert len(engine.complete(requests(20))) == 20
    assert len(endpoint.requests) == 20


def test_money_stops_before_the_cap(endpoint: OpenAIEndpoint, opened: Opener, said: io.StringIO) -> None:
    # an answer of 100 + 10 tokens costs 0.0011, its worst case about 0.009
    budget = BudgetConfig(max_spend=0.05, price_in=10.0, price_out=10.0)
    with opened(budget=budget) as engine, pytest.raises(UserError, match=r"0\.04\d\d spent on \d\d requests"):
        engine.complete(requests(100))
    assert 0.04 < len(endpoint.requests) * 0.0011 <= 0.05
    assert f"{len(endpoint.requests)} answers asked for" in said.getvalue()
    assert "0.04 spent" in said.getvalue()


def test_lost_attempts_count_and_refused_ones_do_not(endpoint: OpenAIEndpoint, opened: Opener) -> None:
    budget = BudgetConfig(max_requests=2)
    endpoint.faults.extend([error(503), error(429), error(500)])
    with opened(budget=budget, limits=LimitsConfig(concurrency=1)) as engine:
        engine.complete([request()])
        endpoint.faults.append(Fault(kind="reset"))
        with pytest.raises(UserError, match="max_requests is 2: 2 made"):
            engine.complete([request("other")])


def test_two_processes_at_once_keep_to_one_cap_and_share_answers(
    endpoint: OpenAIEndpoint, opened: Opener
) -> None:
    endpoint.latency = 0.01
    refusals = []

    def work(part: list[int]) -> None:
        try:
            with opened(budget=BudgetConfig(max_requests=30)) as engine:
                engine.complete([requests(40)[index] for index in part])
        except UserError as refusal:
            refusals.append(str(refusal))

    threads = [threading.Thread(target=work, args=(list(range(first, 40, 2)),)) for first in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refusals
    assert len(endpoint.requests) <= 30
    with opened() as engine:
        engine.complete(requests(40))
    assert len(endpoint.requests) == 40


def test_progress_says_rate_tokens_and_what_was_found(
    endpoint: OpenAIEndpoint, opened: Opener, said: io.StringIO
) -> None:
    with opened() as engine:
        engine.complete(requests(3))
    with opened() as engine:
        engine.complete(requests(3))
    lines = said.getvalue().splitlines()
    assert lines[0].startswith("themis: llm: 1 answers asked for (")
    assert "300 + 30 tokens), 0 found" in lines[-2]
    assert lines[-1].endswith("0 + 0 tokens), 3 found")


def test_answers_are_written_down_while_others_are_under_way(
    endpoint: OpenAIEndpoint, opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_SAVE_SECONDS", 0.05)
    endpoint.faults.append(Fault(kind="slow", seconds=1.5))
    written = []

    def look() -> None:
        while len(list(tmp_path.rglob("*.jsonl"))) == 0:
            sleep(0.01)
        written.append(monotonic())

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    with opened() as engine:
        engine.complete(requests(10))
    ended = monotonic()
    looking.join(timeout=5)
    assert ended - written[0] > 0.5


def test_a_store_that_fails_ends_the_batch(
    endpoint: OpenAIEndpoint, opened: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_SAVE_SECONDS", 0.05)
    endpoint.latency = 0.02
    (tmp_path / "responses").write_text("not a folder")
    with opened(limits=LimitsConfig(concurrency=1)) as engine, pytest.raises(UserError, match="cannot write"):
        engine.complete(requests(200))
    assert len(endpoint.requests) < 50


def test_factory_opens_what_is_configured(endpoint: OpenAIEndpoint, tmp_path: Path) -> None:
    workspace, progress = open_store(tmp_path / "workspace"), Progress("llm", stream=io.StringIO())
    with open_engine(EngineConfig(), workspace=workspace, progress=progress) as engine:
        assert isinstance(engine, RulesEngine)
    here = EngineConfig(engine="openai", model="judge", base_url=endpoint.base_url)
    with open_engine(here, workspace=workspace, progress=progress) as engine:
        engine.complete([request()])
    assert len(list(workspace.list("responses/segments/"))) == 1
    shared = tmp_path / "shared"
    there = EngineConfig(
        engine="openai", model="judge", base_url=endpoint.base_url, responses=str(shared), api_key_env="KEY"
    )
    with open_engine(there, workspace=workspace, progress=progress, environment={"KEY": "k"}) as engine:
        engine.complete([request()])
    assert len(list(shared.rglob("*.jsonl"))) == 1
    assert endpoint.requests[-1].headers["authorization"] == "Bearer k"
