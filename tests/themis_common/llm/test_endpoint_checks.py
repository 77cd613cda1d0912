"""What is found out about an endpoint before much is asked of it, and in whose words it is said."""

import socket
from typing import Any

import pytest

from tests.fixtures.openai_endpoint import Body, Fault, OpenAIEndpoint, completion, error
from tests.themis_common.llm.conftest import KEYED, SECRET, FakeTime, Opener, request
from themis_common.errors import UserError
from themis_common.llm.chat_completions import read_models
from themis_common.llm.config import LimitsConfig
from themis_common.llm.option_names import OptionNames
from themis_common.llm.rules import RulesEngine

OURS = OptionNames(base_url="grader.at", model="grader.name", api_key_env="grader.key", extra_body="")
ASKING = {"extra_body": {"logprobs": True, "top_logprobs": 5}}


def test_a_model_that_is_listed_or_an_endpoint_without_a_list_passes(
    endpoint: OpenAIEndpoint, opened: Opener
) -> None:
    for models in (None, [], ["other", "judge"]):
        endpoint.models = models
        with opened() as engine:
            engine.check_model()
    RulesEngine().check_model()
    assert endpoint.requests == []


def test_a_list_without_the_model_is_one_line_that_shows_it(
    endpoint: OpenAIEndpoint, opened: Opener, time: FakeTime
) -> None:
    endpoint.models = ["a\nb", SECRET, *(f"model-{number}" for number in range(5))]
    endpoint.api_key = SECRET
    with opened(**KEYED) as engine, pytest.raises(UserError) as refusal:
        engine.check_model()
    assert str(refusal.value) == (
        f"{endpoint.base_url} does not serve the model judge, it lists a b, ***, model-0, model-1, model-2 and 2 more: "
        "check llm.model and llm.base_url"
    )
    assert time.sleeps == []


def test_whatever_else_is_wrong_is_left_to_the_first_request(opened: Opener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        # it listens and says nothing
        with opened(
            base_url=f"http://127.0.0.1:{port}/v1", limits=LimitsConfig(timeout_seconds=0.2)
        ) as engine:
            engine.check_model()
    with opened(base_url=f"http://127.0.0.1:{port}/v1") as engine:
        engine.check_model()
        with pytest.raises(UserError, match="no connection"):
            engine.complete([request()])


@pytest.mark.parametrize(
    ("body", "models"),
    [
        (b'{"data": [{"id": "a"}, {"id": 3}, "b", {"id": ""}]}', ["a"]),
        (b'{"data": [{"id": "a"}], "has_more": true}', []),
        (b'{"data": {"id": "a"}}', []),
        (b'["a"]', []),
        (b"<html>Welcome</html>", []),
    ],
)
def test_what_is_no_whole_list_of_models_lists_none(body: bytes, models: list[str]) -> None:
    assert read_models(body) == models


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (error(404), "check grader.name and grader.at (model judge, no key, grader.key is not set)"),
        (error(301), "set grader.at to its address"),
        (error(400, "no top_k"), "(400 no top_k): check what the model supports"),
        (Fault(kind="garbage"), "check grader.at (it usually ends in /v1)"),
    ],
)
def test_options_are_called_as_whoever_opens_the_engine_calls_them(
    endpoint: OpenAIEndpoint, opened: Opener, fault: Fault, message: str
) -> None:
    endpoint.faults.append(fault)
    with (
        opened(names=OURS, limits=LimitsConfig(attempts=1)) as engine,
        pytest.raises(UserError) as refusal,
    ):
        engine.complete([request()])
    assert message in str(refusal.value)
    assert "llm." not in str(refusal.value)


def test_a_key_that_is_not_set_is_asked_for_by_the_openers_name(opened: Opener) -> None:
    with (
        opened(names=OURS, api_key_env="JUDGE_KEY") as engine,
        pytest.raises(UserError, match=r"environment variable JUDGE_KEY \(grader\.key\) is not set"),
    ):
        engine.check_model()


def _with_log_probabilities(entries: list[Any]) -> Body:
    answer = completion("Yes")
    answer["choices"][0]["logprobs"] = {"content": [{"token": "Yes", "top_logprobs": entries}]}
    return answer


@pytest.mark.parametrize("entries", [None, []], ids=["nothing", "no alternatives"])
def test_an_answer_without_the_log_probabilities_asked_for_is_an_error_and_not_kept(
    endpoint: OpenAIEndpoint, opened: Opener, entries: list[Any] | None
) -> None:
    endpoint.reply = lambda body: "Yes" if entries is None else _with_log_probabilities(entries)
    with (
        opened(names=OURS, **ASKING) as engine,
        pytest.raises(UserError, match=r"without the log-probabilities .* set grader\.at to a server"),
    ):
        engine.complete([request()])
    endpoint.reply = lambda body: _with_log_probabilities([{"token": "Yes", "logprob": -0.5}])
    with opened(names=OURS, **ASKING) as engine:
        assert engine.complete([request()])[0].ending[0].likely == {"Yes": -0.5}


def test_an_answer_that_is_none_needs_no_log_probabilities(endpoint: OpenAIEndpoint, opened: Opener) -> None:
    answers = iter([completion("", refusal="No."), completion("")])
    endpoint.reply = lambda body: next(answers)
    with opened(limits=LimitsConfig(concurrency=1), **ASKING) as engine:
        found = engine.complete([request("one"), request("two")])
    assert [one.finish_reason for one in found] == ["refused", "stop"]
