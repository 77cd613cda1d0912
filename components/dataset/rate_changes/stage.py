"""Rates every change on each of its criteria and asks for an instruction that either version answers.

One classified change becomes one row for each criterion on which its median rating is high enough
(facts/dataset.md section 10).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from components.dataset.rate_changes.config import RateChangesConfig
from components.dataset.rate_changes.review import TASK, Rated, Review, aggregate, requests_of, review_of
from themis_common.llm.engine import Completion, Engine, Request
from themis_common.llm.factory import open_engine
from themis_common.prompts.tasks import prompts_sha256
from themis_common.schemas import CHANGES, CLASSIFIED_CHANGES, RATED_CHANGES, optional, required, schema_of
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.taxonomy import Criterion

RATINGS = schema_of(
    "ratings",
    1,
    required("change_key", pa.string()),
    required("criterion", pa.string()),
    required("ratings", pa.list_(pa.int64())),
    optional("rating", pa.float64()),
    required("failures", pa.list_(pa.string())),
    required("kept", pa.bool_()),
    required("engine", pa.string()),
)
"""Every review that was made, kept or not: for rating histograms and for a look at what was dropped."""


def work(context: Context[RateChangesConfig], unit: str, output: UnitOutput) -> None:
    """Rate the changes of one shard."""
    llm, done = context.config.llm, 0
    with open_engine(llm, workspace=context.workspace, progress=context.progress) as engine:
        for changes in _batches(context, unit):
            _review(changes, engine, context.config, output)
            done += len(changes)
            context.progress.update(done, unit="changes")


def _review(
    changes: Sequence[dict[str, Any]], engine: Engine, config: RateChangesConfig, output: UnitOutput
) -> None:
    """Rate some changes, each on all of its criteria."""
    reviewed: dict[str, list[Review]] = {}
    for change in changes:
        output.read([change["row_key"]])
        reason = _unfit(change, config.max_chars)
        if reason is not None:
            output.drop(change["row_key"], *reason)
            continue
        criteria = sorted(set(change["criteria"]))
        reviewed[change["row_key"]] = [
            review_of(change, Criterion.parse(name), config.seed) for name in criteria
        ]
    rated = _rate([review for reviews in reviewed.values() for review in reviews], engine, config)
    for key, reviews in reviewed.items():
        _decide(key, [(review, rated[review.key]) for review in reviews], config, output)


def fingerprint(config: RateChangesConfig) -> Mapping[str, str]:
    """The texts of the prompts, whoever answers them."""
    return {f"prompts/{TASK}": prompts_sha256(TASK)}


def _batches(context: Context[RateChangesConfig], unit: str) -> Iterator[list[dict[str, Any]]]:
    """Rows of the unit, about as many at a time as the engine takes requests."""
    size = max(1, context.config.llm.batch_size // context.config.num_samples)
    batch: list[dict[str, Any]] = []
    for row in context.inputs["classified"].rows(unit):
        batch.append(row)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def _unfit(change: Mapping[str, Any], max_chars: int) -> tuple[str, str] | None:
    """Why a change is not worth a request, as reason and detail."""
    if not change["criteria"]:
        return "no_criterion", change["subject"]
    if change["old_contents"] == change["new_contents"]:
        return "unchanged", change["path"]
    longest = max(len(change["old_contents"]), len(change["new_contents"]))
    if longest > max_chars:
        return "too_long", f"{longest} characters"
    return None


def _rate(reviews: Sequence[Review], engine: Engine, config: RateChangesConfig) -> dict[str, Rated]:
    """The aggregate of each review, by its key."""
    requests: list[Request] = []
    for review in reviews:
        requests += requests_of(review, config.num_samples, config.llm, config.seed)
    answers: list[Completion] = engine.complete(requests)
    assert len(answers) == len(requests), (
        f"{engine.name} gave {len(answers)} answers to {len(requests)} requests"
    )
    samples = config.num_samples
    return {
        review.key: aggregate(answers[index * samples : (index + 1) * samples])
        for index, review in enumerate(reviews)
    }


def _decide(
    change_key: str, rated: Sequence[tuple[Review, Rated]], config: RateChangesConfig, output: UnitOutput
) -> None:
    """Emit a row for each sufficient rating; drop the change where there is none."""
    kept = 0
    for review, result in rated:
        sufficient = result.rating is not None and result.rating >= config.min_rating
        kept += sufficient
        output.add("ratings", _rating_row(change_key, review, result, sufficient))
        if sufficient:
            output.emit(_rated_row(review, result), sources=[change_key])
    if not kept:
        readable = any(result.rating is not None for _, result in rated)
        detail = "; ".join(f"{review.criterion.key}: {_shown(result)}" for review, result in rated)
        output.drop(change_key, "low_rating" if readable else "unparsable", detail)


def _shown(result: Rated) -> str:
    return f"{result.rating:g}" if result.rating is not None else ", ".join(result.failures)


def _rated_row(review: Review, result: Rated) -> dict[str, Any]:
    return {
        **{name: review.change[name] for name in CHANGES.names},
        "row_key": review.key,
        "criterion": review.criterion.key,
        "ratings": list(result.ratings),
        "rating": result.rating,
        "summary": result.summary,
        "style": review.style,
        "instruction": result.instruction,
        "engine": result.engine,
    }


def _rating_row(change_key: str, review: Review, result: Rated, kept: bool) -> dict[str, Any]:
    return {
        "row_key": review.key,
        "change_key": change_key,
        "criterion": review.criterion.key,
        "ratings": list(result.ratings),
        "rating": result.rating,
        "failures": list(result.failures),
        "kept": kept,
        "engine": result.engine,
    }


STAGE = Stage(
    name="dataset.rate_changes",
    version=1,
    config=RateChangesConfig,
    inputs={"classified": CLASSIFIED_CHANGES},
    output=RATED_CHANGES,
    side_tables={"ratings": RATINGS},
    reasons=("no_criterion", "unchanged", "too_long", "low_rating", "unparsable"),
    work=work,
    fingerprint=fingerprint,
)
