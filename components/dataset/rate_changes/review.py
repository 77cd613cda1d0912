"""One review: a change rated on one criterion, from its requests to the aggregate of their answers."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from themis_common.hashing import rng, row_key
from themis_common.llm.config import EngineConfig
from themis_common.llm.engine import Completion, Request, Sampling, build_request
from themis_common.llm.parser import AnswerError, rating, tagged
from themis_common.prompts.tasks import review_question
from themis_common.taxonomy import Criterion, Language

TASK = "commit_review_instruct"

PROBLEM_STYLES = (
    "graduate course assignment",
    "quora question",
    "stackoverflow question",
    "google search query",
    "programming contest problem",
)
"""Drawn uniformly, one a row (facts/dataset.md section 1.3)."""


@dataclass(frozen=True, slots=True)
class Review:
    """A change to be rated on one criterion, with the key of the row that comes of it."""

    key: str
    change: Mapping[str, Any]
    criterion: Criterion
    style: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rated:
    """What the answers of a review come to.

    Attributes:
        ratings: of the answers that could be read, in sample order.
        failures: kinds of failure of the others.
        rating: the median of `ratings`; None where fewer than half of the answers could be read.
        summary: from the first answer whose rating is nearest to the median; so is `instruction`.
        engine: the engine that answered.
    """

    ratings: tuple[int, ...]
    failures: tuple[str, ...]
    rating: float | None
    summary: str
    instruction: str
    engine: str


def review_of(change: Mapping[str, Any], criterion: Criterion, seed: int) -> Review:
    """The review of a change on one criterion."""
    key = row_key(change["row_key"], criterion.key)
    return Review(key, change, criterion, rng(seed, key, "problem-style").choice(PROBLEM_STYLES))


def requests_of(review: Review, num_samples: int, llm: EngineConfig, seed: int) -> list[Request]:
    """One request per sample; they differ in nothing but their sampling seed."""
    change = review.change
    variables = {
        "criterion": review.criterion.label,
        "question": review_question(review.criterion),
        "language": Language.parse(change["language"]).label,
        "path": change["path"],
        "message": change["message"],
        "diff": unified_diff(change["old_contents"], change["new_contents"]),
        "old_contents": change["old_contents"],
        "new_contents": change["new_contents"],
        "problem_style": review.style,
    }
    requests = []
    for sample in range(num_samples):
        sampling = Sampling(
            temperature=llm.temperature,
            top_p=llm.top_p,
            max_tokens=llm.max_tokens,
            seed=rng(seed, review.key, f"sample-{sample}").getrandbits(31),
        )
        requests.append(build_request(TASK, variables, sampling))
    return requests


def aggregate(completions: Sequence[Completion]) -> Rated:
    """Read all answers of a review and take the median of their ratings."""
    read: list[tuple[int, str, str]] = []
    failures: list[str] = []
    for completion in completions:
        try:
            read.append((rating(completion), tagged(completion, "SUMMARY"), _instruction(completion)))
        except AnswerError as error:
            failures.append(error.kind)
    if len(read) * 2 < len(completions) or not read:
        middle, summary, instruction = None, "", ""
    else:
        middle = float(median(answer[0] for answer in read))
        _, summary, instruction = min(read, key=lambda answer: abs(answer[0] - middle))
    return Rated(
        ratings=tuple(answer[0] for answer in read),
        failures=tuple(failures),
        rating=middle,
        summary=summary,
        instruction=instruction,
        engine=completions[0].engine,
    )


def unified_diff(old_contents: str, new_contents: str) -> str:
    """The difference of two files as `diff -u` shows it, without the lines that name the files."""
    lines = difflib.unified_diff(old_contents.splitlines(), new_contents.splitlines(), lineterm="")
    return "\n".join(list(lines)[2:])


def _instruction(completion: Completion) -> str:
    instruction = tagged(completion, "INSTRUCTION")
    if not instruction:
        raise AnswerError("bad_value", "the instruction is empty")
    return instruction
