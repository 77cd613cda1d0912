"""Votes on one pair: the order in which its versions are shown, the requests, and the count.

The published script tosses once per pair, so all its votes share whatever bias the position has. Here half of
the votes see the new version first and half see it second (facts/dataset.md section 16.1, row 18).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from themis_common.hashing import rng
from themis_common.llm.config import EngineConfig
from themis_common.llm.engine import Completion, Request, Sampling, build_request
from themis_common.llm.parser import AnswerError, JudgeReading, Verdict, rationale, verdict
from themis_common.prompts.tasks import judge_questions
from themis_common.taxonomy import Criterion, Language

TASK = "preference_judge"

Slot = Literal["A", "B"]
Outcome = Literal["match", "contradiction", "tie", "error"]


@dataclass(frozen=True, slots=True)
class Vote:
    """One answer of the judge.

    Attributes:
        slot: where the new version was shown.
        outcome: what the answer means for the new version.
        verdict: what the judge said; None where that could not be read.
        failure: the kind of failure then; empty otherwise.
    """

    slot: Slot
    outcome: Outcome
    verdict: Verdict | None
    failure: str
    rationale: str


@dataclass(frozen=True, slots=True)
class Count:
    """How the votes on a pair fell; the four numbers sum to the number of votes."""

    matches: int
    contradictions: int
    ties: int
    errors: int


def slots(key: str, num_responses: int, seed: int) -> list[Slot]:
    """Where each vote sees the new version: as often in A as in B, or one more of either when odd."""
    generator = rng(seed, key, "judge-order")
    first: Slot = generator.choice(("A", "B"))
    second: Slot = "B" if first == "A" else "A"
    half = num_responses // 2
    order = [first] * (num_responses - half) + [second] * half
    generator.shuffle(order)
    return order


def requests_of(
    pair: Mapping[str, Any], order: Sequence[Slot], llm: EngineConfig, seed: int
) -> list[Request]:
    """One request per vote on a rated change."""
    criterion = Criterion.parse(pair["criterion"])
    requests = []
    for response, slot in enumerate(order):
        first, second = ("new_contents", "old_contents") if slot == "A" else ("old_contents", "new_contents")
        variables = {
            "criterion": criterion.label,
            "questions": judge_questions(criterion),
            "language": Language.parse(pair["language"]).label,
            "prompt": pair["instruction"],
            "completion_a": pair[first],
            "completion_b": pair[second],
        }
        sampling = Sampling(
            temperature=llm.temperature,
            top_p=llm.top_p,
            max_tokens=llm.max_tokens,
            seed=rng(seed, pair["row_key"], f"vote-{response}").getrandbits(31),
        )
        requests.append(build_request(TASK, variables, sampling))
    return requests


def read_vote(completion: Completion, slot: Slot, reading: JudgeReading) -> Vote:
    """What an answer means for the new version, which was shown in `slot`."""
    reasons = rationale(completion, reading)
    try:
        said = verdict(completion, reading)
    except AnswerError as error:
        return Vote(slot, "error", None, error.kind, reasons)
    outcome: Outcome = "tie" if said is Verdict.TIE else "match" if said == slot else "contradiction"
    return Vote(slot, outcome, said, "", reasons)


def count(votes: Sequence[Vote]) -> Count:
    """Count the votes on one pair."""
    outcomes = [vote.outcome for vote in votes]
    result = Count(
        matches=outcomes.count("match"),
        contradictions=outcomes.count("contradiction"),
        ties=outcomes.count("tie"),
        errors=outcomes.count("error"),
    )
    assert result.matches + result.contradictions + result.ties + result.errors == len(votes)
    return result
