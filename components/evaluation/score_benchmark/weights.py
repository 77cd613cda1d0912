"""Scores conversations with a model's weights: encode, batch, score, and log so that a restart goes on."""

from collections.abc import Iterator

import torch

from components.evaluation.score_benchmark.batches import plan_batches
from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.outcomes import Outcome, ScoreLog, outcome_of
from components.evaluation.score_benchmark.sequence_classifier import (
    SequenceClassifier,
    TooLongError,
    choose_device,
    failure_of,
)
from themis_common.architectures import Architecture
from themis_common.config import config_hash
from themis_common.hashing import digest_of
from themis_common.modeling.model_files import fetch_model
from themis_common.prompts.chat import Conversation, UnencodableConversationError
from themis_common.stages import Context

# Enough work between two writes that a remote store does not slow a fast model down.
_BATCHES_PER_PART = 32


def score_with_weights(
    context: Context[ScoreBenchmarkConfig],
    architecture: Architecture,
    conversations: dict[str, Conversation],
) -> dict[str, Outcome]:
    """The outcome of every conversation, by key."""
    assert architecture.head != "none"
    config = context.config
    torch.set_num_threads(config.threads)
    model = context.inputs["model"]
    classifier = SequenceClassifier(
        fetch_model(model, context.scratch),
        head=architecture.head,
        seed=config.seed,
        max_tokens=config.max_tokens,
        device=choose_device(config.device),
    )
    encoded, outcomes = _encode_all(classifier, conversations)
    batches = plan_batches({key: len(ids) for key, ids in encoded.items()}, config.batch_tokens)
    log = ScoreLog(context.workspace, digest_of([config_hash(config), model.digest, batches])[:32])
    context.progress.say(f"{len(encoded):,} conversations in {len(batches):,} batches")
    for part in range(0, len(batches), _BATCHES_PER_PART):
        done = log.read(part)
        if done is None:
            done = dict(_score_batches(classifier, encoded, batches[part : part + _BATCHES_PER_PART]))
            log.write(part, done.items())
        outcomes.update(done)
        context.progress.update(len(outcomes), len(conversations), "conversations")
    return outcomes


def _encode_all(
    classifier: SequenceClassifier, conversations: dict[str, Conversation]
) -> tuple[dict[str, list[int]], dict[str, Outcome]]:
    encoded: dict[str, list[int]] = {}
    failed: dict[str, Outcome] = {}
    for key, conversation in conversations.items():
        try:
            encoded[key] = classifier.encode(conversation)
        except (TooLongError, UnencodableConversationError) as error:
            failed[key] = Outcome(None, failure_of(error))
    return encoded, failed


def _score_batches(
    classifier: SequenceClassifier, encoded: dict[str, list[int]], batches: list[list[str]]
) -> Iterator[tuple[str, Outcome]]:
    for batch in batches:
        scores = classifier.score([encoded[key] for key in batch])
        yield from zip(batch, map(outcome_of, scores), strict=True)
