"""Scores the conversations of a cell with a scalar model: encode, batch, deal the parts out, score, collect."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch

from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.outcomes import Outcome, ScoreLog
from components.evaluation.score_benchmark.scalar.body import spread_over_gpus
from components.evaluation.score_benchmark.scalar.encoding import (
    Encoded,
    Encoder,
    UnscorableConversationError,
)
from components.evaluation.score_benchmark.scalar.loading import LoadOptions, outline_model
from components.evaluation.score_benchmark.scalar.parts import PartsToScore, cut_into_parts, score_parts
from components.evaluation.score_benchmark.scalar.preflight import check_rendering, choose_probes
from components.evaluation.score_benchmark.scalar.replicas import run_replicas, share_parts
from themis_common.architectures import Architecture
from themis_common.config import config_hash
from themis_common.errors import UserError
from themis_common.hashing import digest_of
from themis_common.modeling.model_files import fetch_model
from themis_common.plural import counted
from themis_common.prompts.chat import Conversation
from themis_common.stages import Context
from themis_common.stages.shares import Share


def score_with_weights(
    context: Context[ScoreBenchmarkConfig],
    architecture: Architecture,
    conversations: Mapping[str, Conversation],
) -> dict[str, Outcome]:
    """The outcome of every conversation, by key, once this share and all others are scored.

    The whole benchmark is cut into batches whatever the shares are, so that they change no score.

    Raises:
        UserError: the model cannot be loaded, or the preflight finds that it would be scored wrongly.
        OthersUnfinishedError: this share is scored, others are not.
    """
    config = context.config
    dataset = context.inputs["model"]
    folder = fetch_model(dataset, context.scratch)
    outline = outline_model(folder, architecture, config.max_tokens)
    check_rendering(outline, dataset.uri)
    encoded, outcomes = encode_all(outline.encoder, conversations)
    batches = outline.plan(encoded, config.batch_tokens)
    parts = cut_into_parts(batches)
    name = digest_of([config_hash(config), dataset.digest, batches])[:32]
    log = ScoreLog(context.workspace, name)
    cut = f"{counted(len(encoded), 'conversation')} in {counted(len(batches), 'batch', 'batches')}"
    context.progress.say(f"{architecture.name}: {cut}")
    finished = log.finished()
    todo = [number for number in Share.parse(config.share).of(list(parts)) if number not in finished]
    if todo:
        work = PartsToScore(
            folder=folder,
            architecture=architecture.name,
            options=LoadOptions(dtype=config.dtype, max_tokens=config.max_tokens, seed=config.seed),
            threads=config.threads,
            where=dataset.uri,
            workspace=context.workspace.uri,
            log=name,
            parts={number: parts[number] for number in todo},
            encoded=encoded,
            probes=choose_probes(encoded),
        )
        _score(context, work, lambda: context.progress.update(len(log.finished()), len(parts), "parts"))
    return outcomes | log.collect(parts)


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


def _score(
    context: Context[ScoreBenchmarkConfig], work: PartsToScore, on_progress: Callable[[], None]
) -> None:
    """Score with as many copies of the model as the configuration says, each in a process where there are several."""
    copies = [Share(index, context.config.replicas) for index in range(context.config.replicas)]
    works = [
        replace(share_parts(work, copy), options=_on_own_devices(work.options, context, copy))
        for copy in copies
    ]
    busy = [one for one in works if one.parts]
    if len(busy) == 1:
        score_parts(busy[0], on_progress)
    else:
        run_replicas(busy, on_progress)


def _on_own_devices(options: LoadOptions, context: Context[ScoreBenchmarkConfig], copy: Share) -> LoadOptions:
    """The options for one of several copies, which share the GPUs of the machine among them.

    Raises:
        UserError: there are more copies than GPUs.
    """
    device = choose_device(context.config.device)
    gpus: Sequence[int] = ()
    if device.type == "cuda":
        gpus = copy.of(range(torch.cuda.device_count()))
        if not gpus:
            raise UserError(
                f"replicas is {copy.count}, but this machine has {torch.cuda.device_count()} GPUs; set replicas to at "
                "most as many"
            )
        device = torch.device("cuda", gpus[0])
    if context.config.placement == "one":
        return replace(options, device=device)
    offload = context.scratch / f"offload-{copy.index}"
    return replace(options, device=device, placement=partial(spread_over_gpus, gpus=gpus), offload=offload)
