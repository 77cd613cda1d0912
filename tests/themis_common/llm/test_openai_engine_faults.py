"""The engine against an endpoint that fails: what is tried again, what is waited for, and what the user is told."""

import io
import socket
from pathlib import Path
from time import monotonic
from typing import Literal

import pytest

from tests.fixtures.openai_endpoint import Fault, OpenAIEndpoint, error
from tests.themis_common.llm.conftest import KEYED, SECRET, FakeTime, Opener, request, requests
from themis_common.errors import TransientError, UserError
from themis_common.llm import batch
from themis_common.llm.asking import Patience
from themis_common.llm.config import BudgetConfig, LimitsConfig


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
