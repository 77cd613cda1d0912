"""OpenAI's chat completions as data: from a request to its body, from the bytes that came back to an answer.

Nothing is sent here. What comes back is untrusted, whoever runs the endpoint: it is read as JSON, checked field by
field, and never quoted longer than a line.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from themis_common.hashing import digest_of
from themis_common.llm.engine import Choice, FinishReason, Request, Usage

_QUOTED_CHARS = 200
_ENDING_TOKENS = 4
_MOST_TOKENS = 1 << 31
"""A count beyond this is no count, and would stop the budget and the pace for good."""
_FINISH_REASONS: dict[str, FinishReason] = {"length": "length", "content_filter": "refused"}
_REFUSED = re.compile(r"content_filter|content_policy_violation|invalid_prompt|\bflagged\b", re.IGNORECASE)
# As OpenAI, vLLM, SGLang, llama.cpp, TGI and their kin put it.
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|context (?:length|window|size)|prompt is too long"
    r"|reduce the length|max_tokens must be at least 1, got -|inputs?`? tokens \+ `?max_new_tokens"
    r"|input token count .{0,40}exceeds|too large for model with \d+ maximum",
    re.IGNORECASE,
)


class UnreadableAnswerError(Exception):
    """A body that is no chat completion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One answer as it is kept.

    Attributes:
        usage: tokens as the endpoint counted them; None where it did not.
        served_model: what the endpoint says has answered; often a dated version of the model asked for.
        ending: the last tokens with their log-probabilities, where they were asked for; a judgement stands at the end,
            and all tokens of long reasoning would be many times its text.
    """

    text: str
    finish_reason: FinishReason
    usage: Usage | None
    served_model: str
    ending: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an endpoint did not answer: its code, its kind of error and its words, each empty where it gave none."""

    code: str
    kind: str
    message: str

    @property
    def is_too_long(self) -> bool:
        """Whether prompt and answer together do not fit the model."""
        return _TOO_LONG.search(f"{self.code} {self.kind} {self.message}") is not None

    @property
    def is_refusal(self) -> bool:
        """Whether a filter for content turned the request away."""
        return _REFUSED.search(f"{self.code} {self.kind} {self.message}") is not None

    @property
    def is_out_of_credit(self) -> bool:
        """Whether waiting is in vain, because the account has to be filled first."""
        return "insufficient_quota" in {self.code, self.kind}


def request_body(request: Request, model: str, extra_body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request; those of `extra_body` replace ours, and null takes one away."""
    body = {
        "model": model,
        "messages": [asdict(message) for message in request.messages],
        **asdict(request.sampling),
        **extra_body,
    }
    return {name: value for name, value in body.items() if value is not None}


def response_key(request: Request, model: str, extra_body: Mapping[str, Any]) -> str:
    """64 hex characters that identify an answer: a hash of the model, the messages and the sampling.

    The sampling seed stands for the sample's index, so that samples differ even where `extra_body` keeps the seed
    from being sent. Where and how fast the answer was asked for is left out.
    """
    messages = [[message.role, message.content] for message in request.messages]
    return digest_of([model, messages, asdict(request.sampling), dict(extra_body)])


def read_response(body: bytes, *, secret: str = "") -> Response:
    """The answer in the body of a successful request.

    Args:
        secret: what an error may not repeat, wherever the body has it from.

    Raises:
        UnreadableAnswerError: the body is no chat completion (cut off, no JSON, another shape).
    """
    document = _json(body, secret)
    choices = document.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise UnreadableAnswerError(f"no chat completion: {_quoted(body, secret)}")
    refusal = _text(message.get("refusal"))
    reason = _FINISH_REASONS.get(_text(choice.get("finish_reason")), "stop")
    return Response(
        text=refusal or _text(message.get("content")),
        finish_reason="refused" if refusal else reason,
        usage=_usage(document.get("usage")),
        served_model=_text(document.get("model"))[:_QUOTED_CHARS],
        ending=_ending(choice.get("logprobs")),
    )


def read_problem(body: bytes, *, secret: str = "") -> Problem:
    """What the body of an unsuccessful request says, without `secret`; a body without JSON speaks for itself."""
    try:
        document = _json(body, secret)
    except UnreadableAnswerError:
        return Problem("", "", _quoted(body, secret))
    error = document.get("error", document)
    if not isinstance(error, dict):
        return Problem("", _text(document.get("error_type")), one_line(_text(error), secret))
    said = error.get("message") or error.get("detail") or ""
    message = said if isinstance(said, str) else json.dumps(said)
    return Problem(_text(error.get("code")), _text(error.get("type")), one_line(message, secret))


def read_models(body: bytes) -> list[str]:
    """The names in a list of models; none where the body is no such list, or only the beginning of one."""
    try:
        document = _json(body, "")
    except UnreadableAnswerError:
        return []
    entries = document.get("data")
    if not isinstance(entries, list) or document.get("has_more"):
        return []
    return [name for entry in entries if isinstance(entry, dict) and (name := _text(entry.get("id")))]


def unanswered(problem: Problem, *, too_large: bool) -> Response | None:
    """The problem as an answer, where it lies in this one request and no later attempt would change it; else None.

    Args:
        too_large: whether the status alone says that the request is too long.
    """
    reason: FinishReason
    if problem.is_refusal:
        reason = "refused"
    elif too_large or problem.is_too_long:
        reason = "too_long"
    else:
        return None
    return Response(text=problem.message, finish_reason=reason, usage=Usage(), served_model="")


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that an endpoint asks to wait, by its own clock where it names a time; 0 where it does not ask."""
    asked = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d*)?", asked):
        return float(asked)
    try:
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, wait.total_seconds())


def one_line(text: str, secret: str = "") -> str:
    """Words of an endpoint as they may be shown: printable, one line, not long, without `secret`."""
    # before anything is cut, so that no part of it stays
    harmless = text.replace(secret, "***") if secret else text
    printable = "".join(char if char.isprintable() else " " for char in harmless[: 4 * _QUOTED_CHARS])
    return " ".join(printable.split())[:_QUOTED_CHARS]


def _json(body: bytes, secret: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise UnreadableAnswerError(f"no JSON object: {_quoted(body, secret)}")
    return document


def _quoted(body: bytes, secret: str) -> str:
    return one_line(body.decode("utf-8", "replace"), secret)


def _text(value: Any) -> str:
    """A string, or nothing; half a surrogate pair, which JSON can hold and UTF-8 cannot, becomes `?`."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _usage(value: Any) -> Usage | None:
    document = value if isinstance(value, dict) else {}
    prompt, completion = document.get("prompt_tokens"), document.get("completion_tokens")
    if not isinstance(prompt, int) or not isinstance(completion, int):
        return None
    return (
        Usage(prompt, completion)
        if all(0 <= count < _MOST_TOKENS for count in (prompt, completion))
        else None
    )


def _ending(value: Any) -> tuple[Choice, ...]:
    """The last tokens of `logprobs`; nothing where they have another shape."""
    content = value.get("content") if isinstance(value, dict) else None
    if not isinstance(content, list):
        return ()
    return tuple(
        Choice(_text(entry.get("token")), _likely(entry.get("top_logprobs")))
        for entry in content[-_ENDING_TOKENS:]
        if isinstance(entry, dict)
    )


def _likely(value: Any) -> dict[str, float]:
    entries = value if isinstance(value, list) else []
    return {
        _text(entry.get("token")): float(entry["logprob"])
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("logprob"), int | float)
    }
