"""What is checked before a cell is scored, so that a broken set-up costs seconds and not GPU hours.

The weights have been checked by loading. Two published rows measure their harness and not their models, because
nothing asked whether a score depends on its batch (facts/evaluation.md section 7.1).
"""

import math
from collections.abc import Mapping, Sequence
from itertools import takewhile

from components.evaluation.score_benchmark.scalar.encoding import Encoded, UnscorableConversationError
from components.evaluation.score_benchmark.scalar.scorer import ModelOutline, ScalarModel
from themis_common.errors import UserError
from themis_common.prompts.chat import Conversation

_PROBE = Conversation(None, "Add two numbers.", "def add(a, b):\n    return a + b\n")
_NUM_PROBES = 4
_TOLERANCE = {"torch.float32": 1e-3, "torch.bfloat16": 0.1}
"""Largest difference of a score alone and in a batch, as a share of the largest score of the probe."""


def check_rendering(model: ModelOutline, where: str) -> None:
    """Render one conversation and look for its start token and its marker.

    Raises:
        UserError: there is not exactly one start token where the tokenizer sets one, or no marker.
    """
    try:
        ids = model.encoder.encode(_PROBE).ids.tolist()
    except UnscorableConversationError as error:
        raise UserError(
            f"{where}: the tokenizer does not fit architecture {model.architecture.name}: in a rendered conversation "
            f"{error} ({error.failure}); use the tokenizer and chat template that the model was published with"
        ) from error
    tokenizer = model.encoder.tokenizer
    bos = tokenizer.bos_token_id
    # only those at the start: in some ChatML tokenizers the token that opens every turn is also the start token
    found = sum(1 for _ in takewhile(lambda token: token == bos, ids))
    sets_one = bos is not None and bos in tokenizer.encode("", add_special_tokens=True)
    if found > 1 or (sets_one and found != 1):
        raise UserError(
            f"{where}: a rendered conversation starts with {found} start tokens {tokenizer.bos_token!r} instead of "
            "one; mend the chat template"
        )


def choose_probes(conversations: Mapping[str, Encoded]) -> list[Encoded]:
    """A few conversations of different lengths, from the shorter half: they must fit wherever one conversation does."""
    by_length = sorted(conversations.values(), key=lambda one: (len(one.ids), one.ids.tobytes()))
    if not by_length:
        return []
    return [by_length[number * len(by_length) // (2 * _NUM_PROBES)] for number in range(_NUM_PROBES)]


def check_batch_invariance(model: ScalarModel, probes: Sequence[Encoded], where: str) -> None:
    """Score a few conversations alone and together.

    Raises:
        UserError: no score is a finite number, or one depends on what else is in the batch.
    """
    if not probes:
        return
    together = model.score(probes)
    alone = [model.score([one])[0] for one in probes]
    if not any(map(math.isfinite, alone)):
        raise UserError(
            f"{where}: the model gives no number for any of {len(probes)} probes; try dtype float32, and where that is "
            "no help, look for NaN in its weights"
        )
    largest = max(map(abs, alone))
    allowed = _TOLERANCE[str(model.body.dtype)] * largest
    difference = max(abs(a - b) for a, b in zip(together, alone, strict=True))
    # NaN of single probes compares false and is left to the scores, which then are the typed failure not_finite
    if difference > allowed:
        raise UserError(
            f"{where}: scores depend on the batch: alone and together they differ by {difference:.3g} at scores up to "
            f"{largest:.3g}; attention or dtype do not suit this model, try dtype float32"
        )
