"""Reading tagged answers: `[RATING]4[/RATING]`, `[JUDGEMENT]A[/JUDGEMENT]`.

The default reading is tolerant of what models do around a clear answer: thinking aloud first, echoing tags, a
second attempt, bold face, a forgotten closing tag. It takes the last well-formed pair of a tag and never
guesses. What cannot be read is a typed failure. The strict reading of judge answers repeats the published
script exactly (facts/dataset.md sections 10.3 and 18.7).
"""

import enum
import re
from typing import Literal

from themis_common.llm.engine import Completion

FailureKind = Literal["missing_tag", "truncated", "bad_value", "refused", "too_long"]

_END_OF_TEXT = re.compile(r"<\|[^|<>\s]+\|>|</s>")
_DECORATION = " \t\r\n*_`'\".:"


class AnswerError(Exception):
    """An answer that cannot be read.

    Attributes:
        kind: `missing_tag` (the tag never opens), `truncated` (the answer was cut before the tag's value was
            complete), `bad_value` (the value is none of those asked for), `refused` or `too_long` (there is no
            answer; see `FinishReason`).
    """

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind


class Verdict(enum.StrEnum):
    """What a judge may say."""

    A = "A"
    B = "B"
    TIE = "TIE"


class JudgeReading(enum.StrEnum):
    """How judge answers are read."""

    TOLERANT = "tolerant"
    STRICT_UPSTREAM = "strict-upstream"


def tagged(completion: Completion, tag: str) -> str:
    """The text between the last `[tag]` and its `[/tag]`, stripped.

    Tags may be in any case. A tag that never closes holds the rest of the answer, unless the answer was cut.

    Raises:
        AnswerError: any kind but `bad_value`.
    """
    text = _after_thinking(completion)
    opening, closing = rf"\[\s*{tag}\s*\]", rf"\[\s*/\s*{tag}\s*\]"
    pairs = re.findall(rf"{opening}((?:(?!{opening}).)*?){closing}", text, re.DOTALL | re.IGNORECASE)
    if pairs:
        return str(pairs[-1]).strip()
    cut = completion.finish_reason == "length"
    opened = re.split(opening, text, flags=re.IGNORECASE)
    if cut:
        raise AnswerError("truncated", f"the answer was cut before [/{tag}]")
    if len(opened) == 1:
        raise AnswerError("missing_tag", f"the answer has no [{tag}]")
    return opened[-1].strip()


def rating(completion: Completion) -> int:
    """The rating in a RATING tag: a whole number from 1 to 5, also written `4/5` or `4.0`.

    Raises:
        AnswerError: any kind.
    """
    value = _bare(tagged(completion, "RATING"))
    found = re.fullmatch(r"(?:rating\s*[:=]?\s*)?([1-5])(?:\.0)?(?:\s*/\s*5)?", value, re.IGNORECASE)
    if found is None:
        raise AnswerError("bad_value", f"{value[:40]!r} is no rating from 1 to 5")
    return int(found[1])


def verdict(completion: Completion, reading: JudgeReading = JudgeReading.TOLERANT) -> Verdict:
    """The verdict in a JUDGEMENT tag.

    Raises:
        AnswerError: any kind; in the strict reading always `bad_value`, which the published script calls
            ERROR.
    """
    if reading is JudgeReading.STRICT_UPSTREAM:
        value = _first_tagged(completion.text, "JUDGEMENT")
        if value not in set(Verdict):
            raise AnswerError("bad_value", f"{value[:40]!r} is none of A, B and TIE")
        return Verdict(value)
    value = _bare(tagged(completion, "JUDGEMENT"))
    found = re.fullmatch(r"(?:completion\s+|answer\s+)?(a|b|tie)", value, re.IGNORECASE)
    if found is None:
        raise AnswerError("bad_value", f"{value[:40]!r} is none of A, B and TIE")
    return Verdict(found[1].upper())


def rationale(completion: Completion, reading: JudgeReading = JudgeReading.TOLERANT) -> str:
    """The judge's reasons; where there are none, empty in the tolerant reading and `ERROR` in the strict."""
    if reading is JudgeReading.STRICT_UPSTREAM:
        return _first_tagged(completion.text, "EVALUATION")
    try:
        return tagged(completion, "EVALUATION")
    except AnswerError:
        return ""


def _after_thinking(completion: Completion) -> str:
    """The answer proper: what follows the last closed block of reasoning.

    Raises:
        AnswerError: there is no answer, or `truncated` when reasoning opens and never closes.
    """
    if completion.finish_reason == "refused":
        raise AnswerError("refused", completion.text[:200])
    if completion.finish_reason == "too_long":
        raise AnswerError("too_long", "the request does not fit the model")
    _, closed, answer = completion.text.rpartition("</think>")
    if closed:
        return answer
    if answer.lstrip().startswith("<think>"):
        raise AnswerError("truncated", "the answer ends inside its reasoning")
    return answer


def _bare(value: str) -> str:
    return _END_OF_TEXT.sub("", value).strip(_DECORATION)


def _first_tagged(text: str, tag: str) -> str:
    """The published script's reading: from the first opening tag to the next closing one, or to the end."""
    _, opened, rest = text.partition(f"[{tag}]")
    return rest.partition(f"[/{tag}]")[0].strip() if opened else "ERROR"
