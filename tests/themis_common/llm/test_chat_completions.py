"""Bodies of requests, keys of answers, and what endpoints say when they do not answer."""

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.fixtures.openai_endpoint import completion
from tests.themis_common.llm.conftest import request
from themis_common.llm.chat_completions import (
    UnreadableAnswerError,
    one_line,
    read_problem,
    read_response,
    request_body,
    response_key,
    retry_after,
    unanswered,
)
from themis_common.llm.engine import Message, Usage


def test_body_carries_messages_sampling_and_further_fields() -> None:
    body = request_body(request(), "judge", {"reasoning_effort": "low", "seed": None, "max_tokens": 7})
    assert body == {
        "model": "judge",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "question"}],
        "temperature": 0.8,
        "top_p": 0.9,
        "max_tokens": 7,
        "reasoning_effort": "low",
    }


def test_key_covers_what_can_change_the_answer_and_nothing_else() -> None:
    asked = request()
    key = response_key(asked, "judge", {})
    others = [
        response_key(asked, "other", {}),
        response_key(asked, "judge", {"reasoning_effort": "low"}),
        response_key(replace(asked, messages=(Message("user", "question"),)), "judge", {}),
        response_key(replace(asked, sampling=replace(asked.sampling, temperature=0.7)), "judge", {}),
        response_key(replace(asked, sampling=replace(asked.sampling, top_p=0.8)), "judge", {}),
        response_key(replace(asked, sampling=replace(asked.sampling, max_tokens=51)), "judge", {}),
        response_key(request(seed=2), "judge", {}),
    ]
    assert len({key, *others}) == len(others) + 1
    assert response_key(replace(asked, task="other", template="other/v2"), "judge", {}) == key


def test_samples_differ_even_where_the_seed_is_not_sent() -> None:
    unsent: dict[str, Any] = {"seed": None}
    first, second = request(seed=1), request(seed=2)
    assert request_body(first, "judge", unsent) == request_body(second, "judge", unsent)
    assert response_key(first, "judge", unsent) != response_key(second, "judge", unsent)


def body(**changes: Any) -> bytes:
    return json.dumps(completion("fine", **changes)).encode()


def test_answer_is_read_with_its_end_and_its_tokens() -> None:
    response = read_response(body())
    assert (response.text, response.finish_reason) == ("fine", "stop")
    assert (response.usage, response.served_model) == (Usage(100, 10), "served-model")


@pytest.mark.parametrize(
    ("changes", "finish_reason", "text"),
    [
        ({"finish_reason": "length"}, "length", "fine"),
        ({"finish_reason": "content_filter"}, "refused", "fine"),
        ({"refusal": "I will not."}, "refused", "I will not."),
        ({"finish_reason": "tool_calls"}, "stop", "fine"),
        ({"finish_reason": None}, "stop", "fine"),
    ],
)
def test_ends_of_answers(changes: dict[str, Any], finish_reason: str, text: str) -> None:
    response = read_response(body(**changes))
    assert (response.finish_reason, response.text) == (finish_reason, text)


@pytest.mark.parametrize(
    "usage",
    [
        None,
        "many",
        {"prompt_tokens": 3},
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": 1, "completion_tokens": 10**30},
    ],
)
def test_tokens_that_were_not_counted_are_unknown(usage: Any) -> None:
    assert read_response(body(usage=usage)).usage is None


def test_text_without_content_is_empty_and_half_a_surrogate_pair_is_replaced() -> None:
    document = completion("")
    document["choices"][0]["message"]["content"] = None
    assert read_response(json.dumps(document).encode()).text == ""
    document["choices"][0]["message"]["content"] = "a\ud800b"
    assert read_response(json.dumps(document).encode()).text == "a?b"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>Welcome</html>",
        b'{"choices": [{"message": {"content": "cut',
        b"[1]",
        b'{"choices": []}',
        b'{"choices": ["text"]}',
        b'{"choices": [{"text": "an old completion"}]}',
        b"[" * 100_000,
        b'{"usage": ' + b"9" * 5000 + b"}",
        b"\xff\xfe",
    ],
)
def test_anything_else_is_no_answer(content: bytes) -> None:
    with pytest.raises(UnreadableAnswerError):
        read_response(content)


TOO_LONG = [
    # OpenAI, DeepSeek
    {
        "error": {
            "message": "This model's maximum context length is 4097 tokens. However, your messages resulted in 6988.",
            "type": "invalid_request_error",
            "code": "context_length_exceeded",
        }
    },
    # vLLM, older and newer
    {"object": "error", "message": "max_tokens must be at least 1, got -186.", "code": 400},
    {"error": {"message": "The decoder prompt is too long: 99 > 10. Please reduce the length", "code": 400}},
    # llama.cpp
    {
        "error": {
            "code": 400,
            "message": "request (36146 tokens) exceeds the available context size (32768 tokens), try increasing it",
            "type": "exceed_context_size_error",
        }
    },
    # TGI
    {
        "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 2048. Given: 3474",
        "error_type": "validation",
    },
]


@pytest.mark.parametrize("document", TOO_LONG)
def test_requests_that_do_not_fit_are_told_by_their_error(document: dict[str, Any]) -> None:
    response = unanswered(read_problem(json.dumps(document).encode()), too_large=False)
    assert response is not None
    assert (response.finish_reason, response.usage) == ("too_long", Usage())


@pytest.mark.parametrize(
    "problem",
    [
        {"message": "The response was filtered", "code": "content_filter"},
        {
            "message": "your prompt was flagged as potentially violating our usage policy",
            "code": "invalid_prompt",
        },
        {"message": "Your input was flagged", "code": 403},
    ],
)
def test_filters_are_told_by_their_error(problem: dict[str, Any]) -> None:
    response = unanswered(read_problem(json.dumps({"error": problem}).encode()), too_large=False)
    assert response is not None
    assert response.finish_reason == "refused"


def test_other_problems_are_not_answers() -> None:
    content = json.dumps({"error": {"message": "Unsupported parameter: 'max_tokens'", "code": "x"}}).encode()
    assert unanswered(read_problem(content), too_large=False) is None
    assert unanswered(read_problem(b"<html>413</html>"), too_large=True) is not None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"detail": "Not Found"}', "Not Found"),
        (b'{"error": {"message": ["a", 1]}}', '["a", 1]'),
        (b'{"error": "plain"}', "plain"),
        (b"Bad\nGateway\x1b[31m", "Bad Gateway [31m"),
        (b"", ""),
    ],
)
def test_problems_speak_in_many_shapes(content: bytes, message: str) -> None:
    assert read_problem(content).message == message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT", "date": "Wed, 21 Oct 2026 07:28:30 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, 0.0),
        ({"retry-after": "-5"}, 0.0),
        ({}, 0.0),
    ],
)
def test_retry_after_is_read_in_both_forms(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers) == seconds


def test_quoted_words_are_one_short_printable_line() -> None:
    assert one_line("a\n\tb\x00" + "c" * 1000) == "a b " + "c" * 196


def test_a_secret_is_not_repeated_however_it_is_written() -> None:
    padding = "x" * 190
    for body in (
        b"<html>" + padding.encode() + b"sk/secret",
        json.dumps({"error": {"message": padding + "sk/secret"}}).replace("/", "\\/").encode(),
        json.dumps({"error": padding + "sk/secret"}).encode(),
        json.dumps({"detail": ["sk/secret"]}).encode(),
    ):
        assert "sk" not in read_problem(body, secret="sk/secret").message
        with pytest.raises(UnreadableAnswerError) as refusal:
            read_response(body, secret="sk/secret")
        assert "sk/" not in str(refusal.value)
