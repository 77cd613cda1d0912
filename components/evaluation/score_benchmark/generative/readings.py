"""Reads a score from what a judge wrote, or says what kept it from being read; it never guesses.

The published readers turn unreadable text into numbers: the score of a criterion for the overall one, 0 for nothing, a
number in cut-off reasoning (facts/evaluation.md sections 5 and 9). Each such case is a typed failure here (section
10.5).
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from themis_common.llm.engine import Completion

FailureKind = Literal[
    "refused",
    "too_long",
    "truncated",
    "unterminated_thinking",
    "no_score",
    "ambiguous",
    "bad_type",
    "out_of_range",
]

_BOX = re.compile(r"\\boxed\s*\{([^{}]*)\}")
_NUMBER = r"[-+]?\d+(?:\.\d+)?"
_FENCE = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)
# judges break the lines of a JSON text, which strict readers refuse
_JSON = json.JSONDecoder(strict=False)
# no sign and no point may be passed over: -1 is not 1
_STATEMENT = re.compile(
    r"\W*(?:(?:the\s+)?(?:final\s+|overall\s+)?(?:score|rating)\W*(?:is\b\W*)?|\[RESULT\]\W*)?"
    rf"(?<![-+.\u2212])({_NUMBER})(?:\s*/\s*5)?\W*",
    re.IGNORECASE,
)
_YES, _NO = " Yes", " No"


class UnreadableJudgementError(Exception):
    """A judgement without a score; `kind` is the type under which the failure is reported."""

    def __init__(self, kind: FailureKind) -> None:
        super().__init__(kind)
        self.kind: FailureKind = kind


def boxed_score(completion: Completion) -> float:
    """CE-RM: the number in the last box, from 0 to 10 in half points; `8/10` and `8.0` are 8.

    Raises:
        UnreadableJudgementError: any kind but `ambiguous` and `bad_type`.
    """
    text = _answer(completion)
    if completion.finish_reason == "length":
        # the last box so far is a criterion's
        raise UnreadableJudgementError("truncated")
    boxes = _BOX.findall(text)
    if not boxes:
        raise UnreadableJudgementError("no_score")
    found = re.fullmatch(rf"\s*({_NUMBER})(?:\s*/\s*10)?\s*", boxes[-1])
    if found is None:
        raise UnreadableJudgementError("no_score")
    score = _within(float(found[1]), 0, 10)
    if score * 2 % 1:
        raise UnreadableJudgementError("out_of_range")
    return score


def rubric_score(completion: Completion) -> float:
    """R3: `score` of a JSON object, or a line that states nothing else, from 1 to 5.

    Raises:
        UnreadableJudgementError: any kind.
    """
    text = _answer(completion)
    values = list(_score_fields(text))
    if not values:
        return _stated_score(completion, text)
    return _number(values[-1])


def unit_test_score(completion: Completion) -> float:
    """LMUnit: `score` of a JSON object, or a number that is all there is, from 1 to 5.

    Raises:
        UnreadableJudgementError: any kind.
    """
    text = _answer(completion)
    values = list(_score_fields(text))
    if values:
        return _number(values[0])
    if re.fullmatch(rf"\s*{_NUMBER}\s*", text):
        return _within(float(text), 1, 5)
    return _stated_score(completion, text)


def yes_no_margin(completion: Completion) -> float:
    """GenRM: log-probability of Yes minus that of No where the answer says either, in nats.

    The less likely of the two may be missing among the tokens listed. It is then at most as likely as the least likely
    of these, whose log-probability stands in: a bound from above, unlike a constant, that moves with the model.

    Raises:
        UnreadableJudgementError: `no_score` where the answer ends otherwise, or the endpoint gave no log-probabilities.
    """
    _answer(completion)
    if completion.finish_reason == "length":
        raise UnreadableJudgementError("truncated")
    for choice in reversed(completion.ending):
        if choice.token in {_YES, _NO} and choice.likely:
            least = min(choice.likely.values())
            return choice.likely.get(_YES, least) - choice.likely.get(_NO, least)
    raise UnreadableJudgementError("no_score")


def _answer(completion: Completion) -> str:
    """What follows the reasoning."""
    if completion.finish_reason == "refused":
        raise UnreadableJudgementError("refused")
    if completion.finish_reason == "too_long":
        raise UnreadableJudgementError("too_long")
    _, closed, answer = completion.text.rpartition("</think>")
    if not closed and "<think>" in answer:
        raise UnreadableJudgementError("unterminated_thinking")
    return answer


def _score_fields(text: str) -> list[Any]:
    """The values of `score` in the first JSON object of a text that has any, fenced ones first.

    Where a later object gives another score the first one still counts, as in the published readers: a whole object is
    a clear statement, and the vectors of section 10.5 call only numbers in prose ambiguous.
    """
    for source in (*_FENCE.findall(text), text):
        for document in _objects(source):
            found = [value for name, value in document.items() if name.lower() == "score"]
            if found:
                return found
    return []


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Every JSON object that begins in a text, outer ones before those in them; braces in strings begin none."""
    for brace in re.finditer(r"\{", text):
        try:
            document, _ = _JSON.raw_decode(text, brace.start())
        except ValueError:
            continue
        except RecursionError:
            return
        yield document


def _number(value: Any) -> float:
    """A JSON value as a score from 1 to 5; text may hold one number, also as `4/5`."""
    if isinstance(value, str):
        found = re.fullmatch(rf"\s*({_NUMBER})(?:\s*/\s*5)?\s*", value)
        if found is None:
            raise UnreadableJudgementError("bad_type")
        value = float(found[1])
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UnreadableJudgementError("bad_type")
    return _within(value, 1, 5)


def _stated_score(completion: Completion, text: str) -> float:
    """The one score that lines of a text state on their own."""
    if completion.finish_reason == "length":
        raise UnreadableJudgementError("truncated")
    stated = {float(found[1]) for line in text.splitlines() if (found := _STATEMENT.fullmatch(line))}
    if len(stated) == 1:
        return _within(stated.pop(), 1, 5)
    raise UnreadableJudgementError("ambiguous" if re.search(r"\d", text) else "no_score")


def _within(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise UnreadableJudgementError("out_of_range")
    # only now: an integer may be too long for a float
    return float(value)
