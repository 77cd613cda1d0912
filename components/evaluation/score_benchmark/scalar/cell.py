"""Scores the conversations of a cell with a scalar model: preflight, encode, batch, score, log for a restart."""

from collections.abc import Iterator, Mapping

import torch

from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.outcomes import Outcome, ScoreLog, outcome_of
from components.evaluation.score_benchmark.scalar.body import spread_over_gpus
from components.evaluation.score_benchmark.scalar.encoding import (
    Encoded,
    Encoder,
    UnscorableConversationError,
)
from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from components.evaluation.score_benchmark.scalar.preflight import check_batch_invariance, check_rendering
from components.evaluation.score_benchmark.scalar.scorer import ScalarModel
from themis_common.architectures import Architecture
from themis_common.config import config_hash
from themis_common.errors import UserError
from themis_common.hashing import digest_of
from themis_common.modeling.model_files import fetch_model
from themis_common.prompts.chat import Conversation
from themis_common.stages import Context

# enough work between two writes that a remote store does not slow a fast model down
_BATCHES_PER_PART = 32


def score_with_weights(
    context: Context[ScoreBenchmarkConfig],
    architecture: Architecture,
    conversations: Mapping[str, Conversation],
) -> dict[str, Outcome]:
    """The outcome of every conversation, by key.

    Raises:
        UserError: the model cannot be loaded, or the preflight finds that it would be scored wrongly.
    """
    config = context.config
    torch.set_num_threads(config.threads)
    dataset = context.inputs["model"]
    options = LoadOptions(
        dtype=config.dtype,
        max_tokens=config.max_tokens,
        seed=config.seed,
        device=choose_device(config.device),
        placement=spread_over_gpus if config.placement == "spread" else None,
        offload=context.scratch / "offload",
    )
    model = load_scalar_model(fetch_model(dataset, context.scratch), architecture, options)
    check_rendering(model, dataset.uri)
    encoded, outcomes = encode_all(model.encoder, conversations)
    check_batch_invariance(model, encoded, dataset.uri)
    batches = model.plan(encoded, config.batch_tokens)
    log = ScoreLog(context.workspace, digest_of([config_hash(config), dataset.digest, batches])[:32])
    context.progress.say(
        f"{model.architecture.name}: {len(encoded):,} conversations in {len(batches):,} batches"
    )
    for part in range(0, len(batches), _BATCHES_PER_PART):
        done = log.read(part)
        if done is None:
            done = dict(score_batches(model, encoded, batches[part : part + _BATCHES_PER_PART]))
            log.write(part, done.items())
        outcomes.update(done)
        context.progress.update(len(outcomes), len(conversations), "conversations")
    return outcomes


def choose_device(name: str) -> torch.device:
    """`auto`, `cpu` or `cuda` as a device.

    Raises:
        UserError: there is no GPU although one is asked for.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("device is cuda, but this machine has no usable GPU; set device to auto or cpu")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def encode_all(
    encoder: Encoder, conversations: Mapping[str, Conversation]
) -> tuple[dict[str, Encoded], dict[str, Outcome]]:
    """The conversations that can be scored, and the failures of the others, by key."""
    encoded: dict[str, Encoded] = {}
    failed: dict[str, Outcome] = {}
    for key, conversation in conversations.items():
        try:
            encoded[key] = encoder.encode(conversation)
        except UnscorableConversationError as error:
            failed[key] = Outcome(None, error.failure)
    return encoded, failed


def score_batches(
    model: ScalarModel, encoded: Mapping[str, Encoded], batches: list[list[str]]
) -> Iterator[tuple[str, Outcome]]:
    """Key and outcome of every conversation of the batches, which `ScalarModel.plan` made."""
    for batch in batches:
        scores = model.score([encoded[key] for key in batch])
        yield from zip(batch, map(outcome_of, scores), strict=True)
