"""The engine against a real endpoint: order, concurrency, faults, errors, and answers that are paid for once."""

import io
import logging
import random
import socket
import threading
from pathlib import Path
from time import monotonic, sleep
from typing import Literal

import pytest

from tests.fixtures.openai_endpoint import Fault, OpenAIEndpoint, completion, error
from tests.themis_common.llm.conftest import FakeTime, Opener, request, requests
from themis_common.errors import TransientError, UserError
from themis_common.llm import batch
from themis_common.llm.asking import Patience
from themis_common.llm.config import BudgetConfig, EngineConfig, LimitsConfig
from themis_common.llm.engine import Usage
from themis_common.llm.factory import open_engine
from themis_common.llm.parser import AnswerError, tagged
from themis_common.llm.rules import RulesEngine
from themis_common.progress import Progress
from themis_common.store import open_store

SECRET = "sk-very-s3cret"
KEYED = {"api_key_env": "JUDGE_KEY", "environment": {"JUDGE_KEY": SECRET}}


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


@pytest.mark.parametrize(
    "fault",
    [
        error(429, "slow down"),
        error(500, "oops"),
        error(503, "overloaded"),
        error(408),
        error(529),
        Fault(kind="reset"),
        Fault(kind="truncated"),
        Fault(kind="garbage"),
        Fault(kind="status", status=502, body="<html>Bad Gateway</html>"),
        Fault(kind="status", status=200, body={"choices": []}),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
def test_passing_faults_are_tried_again(
    endpoint: OpenAIEndpoint, opened: Opener, time: FakeTime, fault: Fault
) -> None:
    endpoint.faults.extend([fault, fault])
    with opened() as engine:
        assert engine.complete([request()])[0].text == "answer to question"
    assert len(endpoint.requests) == 3
    assert len(time.sleeps) == 2
    assert time.sleeps[0] <= 1.0
    assert time.sleeps[1] <= 2.0


def test_retry_after_is_waited_for(endpoint: OpenAIEndpoint, opened: Opener, time: FakeTime) -> None:
    endpoint.faults.append(error(429, "slow down", Retry_After="20"))
    with opened() as engine:
        engine.complete([request()])
    assert time.sleeps == [20.0]


def test_retry_after_holds_the_others_too(endpoint: OpenAIEndpoint, opened: Opener) -> None:
    endpoint.faults.append(error(429, "slow down", Retry_After="0.5"))
    endpoint.faults.append(Fault(kind="slow", seconds=0.1))
    with opened(patience=Patience(first_pause=0.01), limits=LimitsConfig(concurrency=2)) as engine:
        engine.complete(requests(3))
    arrivals = [seen.at - endpoint.requests[0].at for seen in endpoint.requests]
    assert min(arrivals[2:]) > 0.45


def test_an_hour_of_patience_is_not_had(endpoint: OpenAIEndpoint, opened: Opener, time: FakeTime) -> None:
    endpoint.faults.append(error(429, "daily limit", Retry_After="3600"))
    with opened() as engine, pytest.raises(TransientError, match="in 1 attempts: 429 daily limit"):
        engine.complete([request()])
    assert time.sleeps == []


@pytest.mark.parametrize("kind", ["hang", "trickle"])
def test_a_request_without_end_is_given_up_and_tried_again(
    endpoint: OpenAIEndpoint, opened: Opener, kind: Literal["hang", "trickle"]
) -> None:
    endpoint.faults.append(Fault(kind=kind))
    with opened(limits=LimitsConfig(timeout_seconds=0.2)) as engine:
        assert engine.complete([request()])[0].text == "answer to question"


def test_an_answer_that_never_ends_is_given_up(
    endpoint: OpenAIEndpoint, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("themis_common.llm.endpoint._LONGEST_BODY", 1000)
    endpoint.reply = lambda body: "x" * 2000
    with (
        opened(limits=LimitsConfig(attempts=1)) as engine,
        pytest.raises(TransientError, match="longer than"),
    ):
        engine.complete([request()])


def test_faults_that_stay_are_transient_errors(
    endpoint: OpenAIEndpoint, opened: Opener, time: FakeTime
) -> None:
    endpoint.faults.extend(error(503, "overloaded") for _ in range(4))
    with (
        opened(limits=LimitsConfig(attempts=4)) as engine,
        pytest.raises(
            TransientError, match=r"http://.*/v1 did not answer in 4 attempts: 503 overloaded \(model judge"
        ),
    ):
        engine.complete([request()])
    assert len(endpoint.requests) == 4
    assert len(time.sleeps) == 3


def test_answers_that_arrived_before_a_failure_are_kept(endpoint: OpenAIEndpoint, opened: Opener) -> None:
    limits = LimitsConfig(concurrency=4, attempts=1)
    endpoint.faults.extend([Fault(kind="slow", seconds=0.2)] * 3)
    endpoint.faults.append(Fault(kind="slow", seconds=0.05))
    endpoint.faults.append(error(503))
    with opened(limits=limits) as engine, pytest.raises(TransientError):
        engine.complete(requests(50))
    asked = len(endpoint.requests)
    assert asked < 10
    with opened(limits=limits) as engine:
        assert len(engine.complete(requests(50))) == 50
    assert len(endpoint.requests) == 50 + 1


def test_after_a_failure_hanging_requests_are_not_waited_for_long(
    endpoint: OpenAIEndpoint, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_GRACE_SECONDS", 0.2)
    endpoint.faults.extend([Fault(kind="hang"), error(401, "no")])
    started = monotonic()
    with opened(limits=LimitsConfig(concurrency=2)) as engine, pytest.raises(UserError, match="401"):
        engine.complete(requests(2))
    assert monotonic() - started < 5


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (error(401, "Incorrect API key"), r"refuses the API key \(401 Incorrect API key\)"),
        (error(403, "no access"), r"refuses the API key \(403 no access\)"),
        (
            error(404, "The model `judge` does not exist"),
            r"no such model or no chat completions \(404 The model `judge`",
        ),
        (error(402, "pay"), r"out of credit \(402 pay\)"),
        (error(429, "You exceeded your quota", code="insufficient_quota"), "out of credit"),
        (error(400, "Unsupported parameter: 'top_p'"), r"refuses the request \(400 Unsupported parameter"),
        (error(308, Location="https://elsewhere/"), "has moved"),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Fault) else "",
)
def test_what_only_the_user_can_mend_is_one_line_at_once(
    endpoint: OpenAIEndpoint, opened: Opener, time: FakeTime, fault: Fault, message: str
) -> None:
    endpoint.faults.append(fault)
    with opened(**KEYED) as engine, pytest.raises(UserError, match=message) as refusal:
        engine.complete([request()])
    said = str(refusal.value)
    assert "\n" not in said
    assert endpoint.base_url in said
    assert said.endswith("(model judge, key from environment variable JUDGE_KEY)")
    assert time.sleeps == []


def test_a_wrong_path_is_named(endpoint: OpenAIEndpoint, opened: Opener) -> None:
    wrong = endpoint.base_url.removesuffix("/v1")
    with (
        opened(base_url=wrong) as engine,
        pytest.raises(UserError, match=r"404 Not Found\): check llm.model and llm.base_url"),
    ):
        engine.complete([request()])


def test_nobody_at_the_address_is_a_user_error(opened: Opener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        opened(base_url=f"http://127.0.0.1:{port}/v1") as engine,
        pytest.raises(UserError, match=rf"no chat completions at http://127.0.0.1:{port}/v1: no connection"),
    ):
        engine.complete([request()])


def test_somebody_else_at_the_address_is_a_user_error(endpoint: OpenAIEndpoint, opened: Opener) -> None:
    endpoint.faults.extend([Fault(kind="garbage")] * 2)
    with (
        opened(limits=LimitsConfig(attempts=2)) as engine,
        pytest.raises(UserError, match=r"no chat completions at .*<html>Welcome</html>; check llm.base_url"),
    ):
        engine.complete([request()])


def test_an_endpoint_that_goes_away_is_transient(endpoint: OpenAIEndpoint, opened: Opener) -> None:
    with opened(limits=LimitsConfig(attempts=2)) as engine:
        engine.complete([request()])
        endpoint.faults.extend([Fault(kind="garbage")] * 2)
        with pytest.raises(TransientError, match="did not answer in 2 attempts"):
            engine.complete([request("other")])


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "is not set"),
        ({"JUDGE_KEY": " "}, "is not set"),
        ({"JUDGE_KEY": "kl\u00fcssel"}, "holds no API key"),
    ],
)
def test_a_missing_key_names_its_variable(opened: Opener, environment: dict[str, str], message: str) -> None:
    with (
        opened(environment, api_key_env="JUDGE_KEY") as engine,
        pytest.raises(UserError, match=rf"environment variable JUDGE_KEY \(llm.api_key_env\) {message}"),
    ):
        engine.complete([request()])


def test_the_key_is_nowhere_but_in_the_request(
    endpoint: OpenAIEndpoint, opened: Opener, said: io.StringIO, tmp_path: Path
) -> None:
    endpoint.api_key = "another"
    budget = BudgetConfig(max_requests=100)
    with opened(budget=budget, **KEYED) as engine, pytest.raises(UserError) as refusal:
        engine.complete([request()])
    assert "Incorrect API key: Bearer ***" in str(refusal.value)
    endpoint.api_key = SECRET
    long_way = "x" * 190 + SECRET  # shortening must not leave half of the key
    endpoint.faults.append(error(503, long_way))
    endpoint.faults.append(error(400, f"context length {SECRET}"))
    with opened(budget=budget, limits=LimitsConfig(concurrency=1), **KEYED) as engine:
        engine.complete(requests(3))
    endpoint.faults.append(error(503, long_way))
    with (
        opened(budget=budget, limits=LimitsConfig(attempts=1), **KEYED) as engine,
        pytest.raises(TransientError) as loss,
    ):
        engine.complete([request("last")])
    texts = [str(refusal.value), repr(refusal.value), str(loss.value), said.getvalue()]
    texts += [file.read_text() for file in tmp_path.rglob("*") if file.is_file()]
    assert len(texts) > 6
    assert not any("s3cret" in text or "sk-very" in text for text in texts)


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
