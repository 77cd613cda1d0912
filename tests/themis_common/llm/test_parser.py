"""Parsing of tagged answers: the published script's behaviour in the strict reading, better in the tolerant one."""

import pytest

from themis_common.llm.engine import Completion, FinishReason
from themis_common.llm.parser import (
    AnswerError,
    JudgeReading,
    Verdict,
    rating,
    rationale,
    tagged,
    verdict,
)

WELL_FORMED = "[EVALUATION]a is shorter[/EVALUATION]\n[JUDGEMENT]A[/JUDGEMENT]"


def answer(text: str, finish_reason: FinishReason = "stop") -> Completion:
    return Completion(text=text, finish_reason=finish_reason, engine="test")


def read(text: str, reading: JudgeReading, finish_reason: FinishReason = "stop") -> str:
    """The verdict, or the kind of failure."""
    try:
        return verdict(answer(text, finish_reason), reading).value
    except AnswerError as error:
        return error.kind


@pytest.mark.parametrize(
    ("text", "strict", "tolerant"),
    [
        (WELL_FORMED, "A", "A"),
        ("[EVALUATION]x[/EVALUATION][JUDGEMENT]\nB\n[/JUDGEMENT]", "B", "B"),
        ("[EVALUATION]x[/EVALUATION][JUDGEMENT]TIE[/JUDGEMENT]<|im_end|>", "TIE", "TIE"),
        ("[EVALUATION]x[/EVALUATION][JUDGEMENT]A", "A", "A"),
        ("[EVALUATION]x [JUDGEMENT]A[/JUDGEMENT]", "A", "A"),
        ("[EVALUATION]x[/EVALUATION][JUDGEMENT]tie[/JUDGEMENT]", "bad_value", "TIE"),
        ("[EVALUATION]x[/EVALUATION][JUDGEMENT]Completion A[/JUDGEMENT]", "bad_value", "A"),
        ("[EVALUATION]x[/EVALUATION][JUDGEMENT]**A**[/JUDGEMENT]", "bad_value", "A"),
        ("[EVALUATION]the [JUDGEMENT] tags[/EVALUATION][JUDGEMENT]A[/JUDGEMENT]", "bad_value", "A"),
        ("[EVALUATION]it goes on and on", "bad_value", "missing_tag"),
        ("[JUDGEMENT]A[/JUDGEMENT] no: [JUDGEMENT]B[/JUDGEMENT]", "A", "B"),
        ("", "bad_value", "missing_tag"),
        ("[JUDGEMENT]both[/JUDGEMENT]", "bad_value", "bad_value"),
        ("[JUDGEMENT]A or B[/JUDGEMENT]", "bad_value", "bad_value"),
        ("[judgement] A [/judgement]", "bad_value", "A"),
        ("<think>[JUDGEMENT]B[/JUDGEMENT]</think>[JUDGEMENT]A[/JUDGEMENT]", "B", "A"),
        ("<think>[JUDGEMENT]B[/JUDGEMENT] hm", "B", "truncated"),
        ("[JUDGEMENT]A<|im_end|>", "bad_value", "A"),
    ],
)
def test_verdicts(text: str, strict: str, tolerant: str) -> None:
    assert read(text, JudgeReading.STRICT_UPSTREAM) == strict
    assert read(text, JudgeReading.TOLERANT) == tolerant


@pytest.mark.parametrize("text", ["[EVALUATION]it goes", "[EVALUATION]x[/EVALUATION][JUDGEMENT]A", "[JUDGE"])
def test_an_answer_that_was_cut_is_truncated_not_guessed(text: str) -> None:
    assert read(text, JudgeReading.TOLERANT, "length") == "truncated"


def test_a_complete_verdict_counts_even_if_the_answer_was_cut_later() -> None:
    assert read(f"{WELL_FORMED} and so on and", JudgeReading.TOLERANT, "length") == "A"


@pytest.mark.parametrize(
    ("text", "strict", "tolerant"),
    [
        (WELL_FORMED, "a is shorter", "a is shorter"),
        ("[JUDGEMENT]A[/JUDGEMENT]", "ERROR", ""),
        (
            "[EVALUATION]x [JUDGEMENT]A[/JUDGEMENT]",
            "x [JUDGEMENT]A[/JUDGEMENT]",
            "x [JUDGEMENT]A[/JUDGEMENT]",
        ),
    ],
)
def test_rationales(text: str, strict: str, tolerant: str) -> None:
    assert rationale(answer(text), JudgeReading.STRICT_UPSTREAM) == strict
    assert rationale(answer(text)) == tolerant


@pytest.mark.parametrize(
    ("value", "expected"),
    [("4", 4), (" 5\n", 5), ("**3**", 3), ("4/5", 4), ("2.0", 2), ("Rating: 1", 1), ("4<|eot_id|>", 4)],
)
def test_ratings(value: str, expected: int) -> None:
    assert rating(answer(f"[SUMMARY]s[/SUMMARY][RATING]{value}[/RATING]")) == expected


@pytest.mark.parametrize("value", ["0", "6", "3.5", "4-5", "four", "", "45"])
def test_ratings_off_the_scale_are_bad_values(value: str) -> None:
    with pytest.raises(AnswerError) as failure:
        rating(answer(f"[RATING]{value}[/RATING]"))
    assert failure.value.kind == "bad_value"


def test_the_last_well_formed_pair_of_a_tag_wins() -> None:
    text = "[SUMMARY]first[/SUMMARY] better: [SUMMARY]second[/SUMMARY] [SUMMARY]third"
    assert tagged(answer(text), "SUMMARY") == "second"


def test_verdict_values_are_those_of_the_prompt() -> None:
    assert [v.value for v in Verdict] == ["A", "B", "TIE"]
