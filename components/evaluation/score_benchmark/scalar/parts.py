"""Parts of a cell's work, of some batches each: the model is loaded and scores part after part into the log."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from components.evaluation.score_benchmark.outcomes import Outcome, ScoreLog, outcome_of
from components.evaluation.score_benchmark.scalar.encoding import Encoded
from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from components.evaluation.score_benchmark.scalar.preflight import check_batch_invariance
from components.evaluation.score_benchmark.scalar.scorer import ScalarModel
from themis_common.architectures import architecture
from themis_common.store import open_store

# enough work between two writes that a remote store does not slow a fast model down
_BATCHES_PER_PART = 32
Batch = list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class PartsToScore:
    """What one copy of a model is given to do; it can be sent to another process.

    Attributes:
        folder: of the model.
        architecture: its name.
        threads: of the CPU.
        where: what to call the model in messages.
        workspace: location of the log.
        log: its name.
        parts: the batches of each part, by its number.
        encoded: every conversation of these batches, by key.
        probes: what the preflight scores.
    """

    folder: Path
    architecture: str
    options: LoadOptions
    threads: int
    where: str
    workspace: str
    log: str
    parts: Mapping[int, Sequence[Batch]]
    encoded: Mapping[str, Encoded]
    probes: Sequence[Encoded]


def cut_into_parts(batches: Sequence[Batch]) -> dict[int, Sequence[Batch]]:
    """Batches in parts, each numbered by its first batch."""
    return {
        first: batches[first : first + _BATCHES_PER_PART]
        for first in range(0, len(batches), _BATCHES_PER_PART)
    }


def score_parts(work: PartsToScore, on_part: Callable[[], None]) -> None:
    """Score all parts; each is in the log as soon as it is done.

    Args:
        on_part: called after each.

    Raises:
        UserError: the model cannot be loaded, gives no numbers, or its scores depend on the batch.
    """
    torch.set_num_threads(work.threads)
    model = load_scalar_model(work.folder, architecture(work.architecture), work.options)
    check_batch_invariance(model, work.probes, work.where)
    log = ScoreLog(open_store(work.workspace), work.log)
    for number, batches in work.parts.items():
        log.write(number, score_batches(model, work.encoded, batches))
        on_part()


def score_batches(
    model: ScalarModel, encoded: Mapping[str, Encoded], batches: Sequence[Batch]
) -> Iterator[tuple[str, Outcome]]:
    """Key and outcome of every conversation of the batches, which `ModelOutline.plan` made."""
    for batch in batches:
        scores = model.score([encoded[key] for key in batch])
        yield from zip(batch, map(outcome_of, scores), strict=True)
