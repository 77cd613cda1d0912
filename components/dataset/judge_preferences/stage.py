"""Asks a judge whether the new version really is the better answer, and keeps the pairs on which it is.

The instruction of a rated change is the prompt, its two versions are the completions (facts/dataset.md
section 10.3). A pair is kept when the new version wins by enough votes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from components.dataset.judge_preferences.config import JudgePreferencesConfig
from components.dataset.judge_preferences.votes import (
    TASK,
    Count,
    Slot,
    Vote,
    count,
    read_vote,
    requests_of,
    slots,
)
from themis_common.hashing import row_key
from themis_common.llm.engine import Engine, Request
from themis_common.llm.factory import open_engine
from themis_common.prompts.tasks import prompts_sha256
from themis_common.schemas import JUDGED_CHANGES, RATED_CHANGES, TEXT, optional, required, schema_of
from themis_common.stages import Context, Stage, UnitOutput

VOTES = schema_of(
    "votes",
    1,
    required("pair_key", pa.string()),
    required("slot", pa.string()),
    required("outcome", pa.string()),
    optional("verdict", pa.string()),
    required("failure", pa.string()),
    required("rationale", TEXT),
    required("engine", pa.string()),
)
"""Every vote, on kept and dropped pairs: for judge agreement, position bias and failure reports."""


def work(context: Context[JudgePreferencesConfig], unit: str, output: UnitOutput) -> None:
    """Judge the pairs of one shard."""
    llm = context.config.llm
    size = max(1, llm.batch_size // context.config.num_responses)
    batch: list[dict[str, Any]] = []
    done = 0
    with open_engine(llm, workspace=context.workspace, progress=context.progress) as engine:
        for pair in context.inputs["rated"].rows(unit):
            output.read([pair["row_key"]])
            batch.append(pair)
            if len(batch) >= size:
                _judge(batch, engine, context.config, output)
                done += len(batch)
                context.progress.update(done, unit="pairs")
                batch = []
        _judge(batch, engine, context.config, output)


def fingerprint(config: JudgePreferencesConfig) -> Mapping[str, str]:
    """The texts of the prompts, whoever answers them."""
    return {f"prompts/{TASK}": prompts_sha256(TASK)}


def _judge(
    pairs: Sequence[dict[str, Any]], engine: Engine, config: JudgePreferencesConfig, output: UnitOutput
) -> None:
    orders: dict[str, list[Slot]] = {}
    requests: list[Request] = []
    for pair in pairs:
        order = slots(pair["row_key"], config.num_responses, config.seed)
        orders[pair["row_key"]] = order
        requests += requests_of(pair, order, config.llm, config.seed)
    answers = engine.complete(requests)
    assert len(answers) == len(requests), (
        f"{engine.name} gave {len(answers)} answers to {len(requests)} requests"
    )
    remaining = iter(answers)
    for pair in pairs:
        votes = []
        for response, slot in enumerate(orders[pair["row_key"]]):
            answer = next(remaining)
            votes.append(read_vote(answer, slot, config.reading))
            output.add("votes", _vote_row(pair["row_key"], response, votes[-1], answer.engine))
        _decide(pair, count(votes), config, output)


def _decide(pair: dict[str, Any], votes: Count, config: JudgePreferencesConfig, output: UnitOutput) -> None:
    reason = rejection(votes, config)
    if reason is not None:
        output.drop(
            pair["row_key"],
            reason,
            f"{votes.matches} for the new version, {votes.contradictions} for the old, {votes.ties} ties, "
            f"{votes.errors} errors",
        )
        return
    output.emit(
        {
            **pair,
            "num_matches": votes.matches,
            "num_contradictions": votes.contradictions,
            "num_ties": votes.ties,
            "num_errors": votes.errors,
        }
    )


def rejection(votes: Count, config: JudgePreferencesConfig) -> str | None:
    """The reason under which a pair with these votes is dropped, or None where it is kept."""
    if votes.errors == config.num_responses:
        return "unparsable"
    margin = votes.matches - votes.contradictions
    if margin >= config.min_margin and votes.matches >= config.min_match_share * config.num_responses:
        return None
    return "contradicted" if margin < 0 else "undecided"


def _vote_row(pair_key: str, response: int, vote: Vote, engine: str) -> dict[str, Any]:
    return {
        "row_key": row_key(pair_key, response),
        "pair_key": pair_key,
        "slot": vote.slot,
        "outcome": vote.outcome,
        "verdict": vote.verdict.value if vote.verdict is not None else None,
        "failure": vote.failure,
        "rationale": vote.rationale,
        "engine": engine,
    }


STAGE = Stage(
    name="dataset.judge_preferences",
    version=1,
    config=JudgePreferencesConfig,
    inputs={"rated": RATED_CHANGES},
    output=JUDGED_CHANGES,
    side_tables={"votes": VOTES},
    reasons=("unparsable", "contradicted", "undecided"),
    work=work,
    fingerprint=fingerprint,
)
