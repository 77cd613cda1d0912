"""Every vector of facts/evaluation.md section 10.5, and what else judges write."""

import time
from collections.abc import Callable

import pytest

from components.evaluation.score_benchmark.generative.readings import (
    UnreadableJudgementError,
    boxed_score,
    rubric_score,
    unit_test_score,
    yes_no_margin,
)
from themis_common.llm.engine import Choice, Completion, FinishReason

Read = Callable[[Completion], float]


def completion(text: str, reason: FinishReason = "stop", ending: tuple[Choice, ...] = ()) -> Completion:
    return Completion(text=text, finish_reason=reason, engine="test", ending=ending)


@pytest.mark.parametrize(
    ("read", "text", "score"),
    [
        (boxed_score, r"correct: \boxed{4} overall: \boxed{8.5}", 8.5),
        (boxed_score, r"correct: \boxed{3} overall: \boxed{8.0}", 8.0),
        (boxed_score, r"correct: \boxed{3} overall: \boxed{8/10}", 8.0),
        (boxed_score, r"\boxed{ 0 }", 0.0),
        (rubric_score, '{"explanation": "fine", "score": 4}', 4.0),
        (rubric_score, '{"score": "4/5"}', 4.0),
        (rubric_score, '```json\n{"explanation": "uses {x}", "score": 2}\n```', 2.0),
        (rubric_score, '{"explanation": "f() {} leaks", "score": 2}', 2.0),
        (rubric_score, '{"explanation": "two\nlines", "score": 2}', 2.0),
        (rubric_score, '{"result": {"score": 5}}', 5.0),
        (rubric_score, '{"explanation": "not {\\"score\\": 5}", "score": 2}', 2.0),
        (rubric_score, '<think>score: 1</think>{"score": 5}', 5.0),
        (rubric_score, "It is good.\nFinal score: 4/5", 4.0),
        (rubric_score, "[RESULT] 3", 3.0),
        (rubric_score, "**Rating: 2**", 2.0),
        (unit_test_score, '{"score": 3}', 3.0),
        (unit_test_score, "4.5", 4.5),
        (unit_test_score, " 5\n", 5.0),
    ],
)
def test_what_is_clear_is_read(read: Read, text: str, score: float) -> None:
    assert read(completion(text)) == score


@pytest.mark.parametrize(
    ("read", "text", "kind"),
    [
        (boxed_score, r"\boxed{45}", "out_of_range"),
        (boxed_score, r"\boxed{8.3}", "out_of_range"),
        (boxed_score, r"\boxed{good}", "no_score"),
        (boxed_score, "overall 8", "no_score"),
        (rubric_score, '{"score": 1000}', "out_of_range"),
        (rubric_score, '{"score": -1}', "out_of_range"),
        (rubric_score, '{"score": 0}', "out_of_range"),
        pytest.param(rubric_score, f'{{"score": {"9" * 400}}}', "out_of_range", id="400 digits"),
        (rubric_score, '{"score": true}', "bad_type"),
        (rubric_score, '{"score": null}', "bad_type"),
        (rubric_score, '{"score": "high"}', "bad_type"),
        (rubric_score, "<think>the score is 562754405", "unterminated_thinking"),
        (rubric_score, "1/5 of 3", "ambiguous"),
        (rubric_score, "Score: -1", "out_of_range"),
        (rubric_score, "-3", "out_of_range"),
        (rubric_score, "Score: .5", "ambiguous"),
        (rubric_score, "Score: 2\nScore: 4", "ambiguous"),
        (rubric_score, "Good work.", "no_score"),
        (unit_test_score, '{"score": 7}', "out_of_range"),
        (unit_test_score, "10", "out_of_range"),
        (unit_test_score, "between 2 and 3", "ambiguous"),
        (unit_test_score, "", "no_score"),
    ],
)
def test_what_is_not_clear_is_a_typed_failure(read: Read, text: str, kind: str) -> None:
    with pytest.raises(UnreadableJudgementError) as caught:
        read(completion(text))
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    "text",
    ["score" + "*" * 50_000 + "x", "{" * 50_000, '{"score": ' * 5_000, '{"a' * 20_000, "```json\n" * 6_000],
)
def test_an_answer_that_runs_in_circles_is_read_at_once(text: str) -> None:
    started = time.process_time()
    for read in (rubric_score, unit_test_score):
        with pytest.raises(UnreadableJudgementError):
            read(completion(text))
    assert time.process_time() - started < 5


@pytest.mark.parametrize("read", [boxed_score, rubric_score, unit_test_score, yes_no_margin])
@pytest.mark.parametrize(("reason", "kind"), [("refused", "refused"), ("too_long", "too_long")])
def test_without_an_answer_there_is_no_score(read: Read, reason: FinishReason, kind: str) -> None:
    with pytest.raises(UnreadableJudgementError) as caught:
        read(completion("4", reason))
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("read", "text"),
    [(boxed_score, r"correct: \boxed{3} overall"), (rubric_score, "Score is 4 bec"), (yes_no_margin, "")],
)
def test_a_cut_answer_is_not_taken_for_its_beginning(read: Read, text: str) -> None:
    ending = (Choice(" Yes", {" Yes": 0.0}),)
    with pytest.raises(UnreadableJudgementError) as caught:
        read(completion(text, "length", ending))
    assert caught.value.kind == "truncated"


def test_the_margin_is_read_where_the_answer_says_yes_or_no() -> None:
    judged = Choice(" No", {" No": -0.1, " Yes": -2.4, " Maybe": -7.0})
    end = Choice("<|im_end|>", {"<|im_end|>": 0.0})
    assert yes_no_margin(completion("No", ending=(judged, end))) == pytest.approx(-2.3)
    assert yes_no_margin(completion("No", ending=(end, judged))) == pytest.approx(-2.3)


def test_a_token_that_is_not_listed_is_at_most_as_likely_as_the_last_that_is() -> None:
    judged = Choice(" Yes", {" Yes": -0.01, "Yes": -5.0, " yes": -9.0})
    assert yes_no_margin(completion("Yes", ending=(judged,))) == pytest.approx(8.99)


def test_another_ending_is_no_neutral_score() -> None:
    ending = (Choice(" maybe", {" maybe": -0.1, " Yes": -1.0, " No": -1.0}),)
    with pytest.raises(UnreadableJudgementError) as caught:
        yes_no_margin(completion("maybe", ending=ending))
    assert caught.value.kind == "no_score"
