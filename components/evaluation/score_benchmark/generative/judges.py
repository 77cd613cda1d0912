"""The generative architectures as a table: how each is asked, how it samples, and how its answer is read.

The structure of each request is the published one, the wording is ours (`texts/`, `questions.yaml`), for the published
wording is not ours to ship. Sampling and windows: facts/evaluation.md section 5.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import yaml

from components.evaluation.score_benchmark.generative.readings import (
    UnreadableJudgementError,
    boxed_score,
    rubric_score,
    unit_test_score,
    yes_no_margin,
)
from themis_common.hashing import digest_of
from themis_common.llm.engine import Completion, Message, Request, Sampling
from themis_common.prompts.chat import Conversation
from themis_common.prompts.templates import render_text
from themis_common.taxonomy import Criterion

_GENERAL = (Criterion.HELPFULNESS, Criterion.HARMLESSNESS)
_ALL = (
    *_GENERAL,
    Criterion.FUNCTIONAL_CORRECTNESS,
    Criterion.MEMORY_EFFICIENCY,
    Criterion.READABILITY_MAINTAINABILITY,
    Criterion.RUNTIME_EFFICIENCY,
    Criterion.SECURITY_HARDNESS,
)
_OPENING, _CLOSING = "[CRITERIA]", "[/CRITERIA]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Judge:
    """One generative architecture.

    Attributes:
        read: the score in an answer, or an UnreadableJudgementError.
        template: the user turn that asks for the judgement; empty where the conversation itself is sent, followed by
            the criteria in a turn of the role `principle`.
        criteria_template: a turn before, in which the judge writes down its criteria for the prompt.
        max_tokens: longest answer.
        context_tokens: window with which the model is served, of request and answer.
        extra_body: further fields of a request.
    """

    read: Callable[[Completion], float]
    template: str = ""
    criteria_template: str = ""
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int
    context_tokens: int
    extra_body: Mapping[str, Any] = field(default_factory=dict)


JUDGES: Mapping[str, Judge] = {
    "cerm": Judge(
        read=boxed_score,
        criteria_template="cerm_criteria",
        template="cerm_scores",
        max_tokens=8192,
        context_tokens=32768,
        extra_body={"chat_template_kwargs": {"enable_thinking": False}},
    ),
    "nemotron-genrm": Judge(
        read=yes_no_margin,
        max_tokens=16000,
        context_tokens=32768,
        extra_body={"logprobs": True, "top_logprobs": 20},
    ),
    "lmunit": Judge(read=unit_test_score, template="lmunit", max_tokens=2048, context_tokens=16384),
    "r3": Judge(
        read=rubric_score,
        template="r3",
        temperature=0.6,
        top_p=0.95,
        max_tokens=8192,
        # the published 10,000 leave little room for 8,192 tokens of answer
        context_tokens=32768,
        extra_body={"top_k": 20, "min_p": 0},
    ),
}


def criteria_request(judge: Judge, prompt: str, *, seed: int) -> Request:
    """Asks for the criteria by which answers to a prompt will be judged; both answers are judged by the same."""
    return _request(judge, judge.criteria_template, {"prompt": prompt}, before=(), seed=seed)


def written_criteria(completion: Completion) -> str:
    """The list that a judge wrote.

    Raises:
        UnreadableJudgementError: `truncated` or `no_score` where there is no list.
    """
    listed, closing, _ = completion.text.partition(_OPENING)[2].partition(_CLOSING)
    if not closing or not listed.strip():
        raise UnreadableJudgementError("truncated" if completion.finish_reason == "length" else "no_score")
    return f"{_OPENING}\n{listed.strip()}\n{_CLOSING}"


def judgement_request(
    judge: Judge, conversation: Conversation, criterion: Criterion | None, *, criteria: str = "", seed: int
) -> Request:
    """Asks for the judgement of one response.

    Args:
        criterion: the one code criterion to judge by, besides the general two; None for all.
        criteria: what the judge wrote in the turn before, where it has one.
        seed: of the sampling.
    """
    named = _ALL if criterion is None else (*_GENERAL, criterion)
    if not judge.template:
        phrase = ", ".join(
            _asked(one.key)["phrase"] for one in (named if criterion is None else (criterion,))
        )
        messages = (
            Message("user", conversation.user),
            Message("assistant", conversation.assistant),
            Message("principle", phrase),
        )
        return _as_request(judge, messages, digest_of([phrase]), seed)
    values = {
        "prompt": conversation.user,
        "response": conversation.assistant,
        "questions": [_asked(one.key)["question"] for one in named],
        "test": _asked(criterion.key if criterion else "all")["test"],
    }
    before: tuple[Message, ...] = ()
    if judge.criteria_template:
        asked = render_text(_text(judge.criteria_template), {"prompt": conversation.user})
        before = (Message("user", asked), Message("assistant", criteria))
    return _request(judge, judge.template, values, before=before, seed=seed)


def _request(
    judge: Judge, template: str, values: Mapping[str, Any], *, before: Sequence[Message], seed: int
) -> Request:
    text = _text(template)
    messages = (*before, Message("user", render_text(text, values).rstrip("\n")))
    return _as_request(judge, messages, digest_of([text]), seed)


def _as_request(judge: Judge, messages: tuple[Message, ...], sha256: str, seed: int) -> Request:
    return Request(
        task="reward",
        template=judge.template or "principle",
        template_sha256=sha256,
        messages=messages,
        sampling=Sampling(
            temperature=judge.temperature, top_p=judge.top_p, max_tokens=judge.max_tokens, seed=seed
        ),
        variables={},
    )


def prompts_sha256() -> str:
    """A digest over all texts that judges are asked with: 64 hex characters."""
    names = sorted(
        {name for judge in JUDGES.values() for name in (judge.template, judge.criteria_template) if name}
    )
    return digest_of([*map(_text, names), _questions()])


@cache
def _text(template: str) -> str:
    file = resources.files(__package__) / "texts" / f"{template}.md.j2"
    return file.read_text(encoding="utf-8")


@cache
def _questions() -> dict[str, dict[str, str]]:
    text = (resources.files(__package__) / "questions.yaml").read_text(encoding="utf-8")
    questions: dict[str, dict[str, str]] = yaml.safe_load(text)
    return questions


def _asked(name: str) -> dict[str, str]:
    return _questions()[name]
