"""Recognises the architecture of a checkpoint, and says what keeps a checkpoint from being of an architecture.

Model type, head tensors and what is left over are looked at here, from headers alone. The tensors of the body are
compared with the configuration when they are loaded.
"""

import re
from collections import Counter
from collections.abc import Iterator

from themis_common.architectures.architecture import Architecture, Readout
from themis_common.architectures.checkpoint import Checkpoint
from themis_common.architectures.heads import Known, RandomHead, Shape
from themis_common.architectures.registry import ARCHITECTURES, AUTO, architecture
from themis_common.errors import UserError

# Older checkpoints store what transformers computes, and every batch norm counts what it has seen in training.
_NEVER_NEEDED = re.compile(r".*(rotary_emb\.inv_freq|num_batches_tracked)")
_TRAINED_HEAD = "score.weight"
_LM_HEAD = "lm_head.weight"


def resolve_architecture(name: str, checkpoint: Checkpoint) -> Architecture:
    """The architecture of that name, or with `auto` the one that the checkpoint shows.

    Raises:
        UserError: the checkpoint is not of that architecture, or `auto` finds none or several.
    """
    if name == AUTO:
        return detect(checkpoint)
    row = architecture(name)
    check_fits(row, checkpoint)
    return row


def check_fits(row: Architecture, checkpoint: Checkpoint) -> None:
    """Compare a checkpoint with an architecture, as far as its headers go.

    Raises:
        UserError: names the first thing that does not fit.
    """
    if row.readout is not None:
        for problem in mismatches(row.readout, checkpoint):
            raise UserError(f"{checkpoint.where}: {problem}; it is not a model of architecture {row.name}")


def detect(checkpoint: Checkpoint) -> Architecture:
    """The one architecture that the configuration and all tensors outside the body agree with.

    Raises:
        UserError: none does (names the nearest and why it does not), or several do.
    """
    found = {
        name: list(mismatches(row.readout, checkpoint))
        for name, row in ARCHITECTURES.items()
        if row.readout is not None and row.readout.detectable
    }
    fitting = [name for name, problems in found.items() if not problems]
    if len(fitting) == 1:
        return architecture(fitting[0])
    if fitting:
        raise UserError(
            f"{checkpoint.where}: {' and '.join(fitting)} store their weights alike; set architecture to one of them"
        )
    nearest = min(found, key=lambda name: len(found[name]))
    raise UserError(
        f"{checkpoint.where}: no architecture fits; the nearest is {nearest}, but {found[nearest][0]}. Set "
        "architecture where a checkpoint does not show it (`themis models` lists them)"
    )


def mismatches(readout: Readout, checkpoint: Checkpoint) -> Iterator[str]:
    """Why a checkpoint is not of an architecture, the most telling first; nothing where it fits."""
    body, config = readout.body, checkpoint.config
    stored = needed(checkpoint.shapes)
    try:
        expected = readout.head.layout(Known(config, int(config.get("hidden_size") or 0), stored))
    except (TypeError, ValueError) as error:
        yield f"a number in its config.json is none ({error})"
        return
    for name in expected:
        if name not in stored and not (name == _LM_HEAD and config.get("tie_word_embeddings")):
            yield f"tensor {name} is missing"
    for name, shape in expected.items():
        if name in stored and not same_shape(stored[name], shape):
            yield f"tensor {name} has shape {stored[name]}, not {shape}"
    if body.model_types and config.get("model_type") not in body.model_types:
        yield f"its model type is {config.get('model_type')!r}, not {' or '.join(body.model_types)}"
    if isinstance(readout.head, RandomHead) and _TRAINED_HEAD in stored:
        yield "it holds a trained reward head; score it as seqcls, not with a random head"
    prefix = body_prefix(readout, checkpoint)
    for name in stored:
        if not name.startswith(prefix) and name not in expected and name not in body.unread:
            yield f"tensor {name} belongs to no part of it"


def needed(shapes: dict[str, Shape]) -> dict[str, Shape]:
    """The tensors without those that no computation takes."""
    return {name: shape for name, shape in shapes.items() if not _NEVER_NEEDED.fullmatch(name)}


def same_shape(stored: Shape, expected: Shape) -> bool:
    """Whether the shapes are equal; a single number is stored as () or (1,)."""
    return stored == expected or (stored == () and expected == (1,))


def body_prefix(readout: Readout, checkpoint: Checkpoint) -> str:
    """What the names of the body's tensors start with in this checkpoint."""
    if not readout.body.prefixes:
        # every decoder calls its body by one word, and the body has most of the tensors
        words = Counter(name.partition(".")[0] for name in checkpoint.shapes)
        return f"{words.most_common(1)[0][0]}." if words else ""
    for prefix in readout.body.prefixes:
        if any(name.startswith(prefix) for name in checkpoint.shapes):
            return prefix
    return readout.body.prefixes[0]
