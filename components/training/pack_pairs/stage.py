"""Turns preference pairs into token ids, once for all epochs, ranks and restarts.

Both conversations of a pair are rendered and encoded by the one chat renderer. What they share at the start is stored
once: with the same prompt, and often the same first lines, that is a third of all tokens and of the compute that
training later spends on them.
"""

from typing import Any, NamedTuple

import pyarrow as pa

from themis_common.config import config, option
from themis_common.modeling.model_files import FOR_TOKENIZING, fetch_model
from themis_common.plural import counted
from themis_common.prompts.chat import (
    ChatRenderer,
    Conversation,
    EncodedConversation,
    UnencodableConversationError,
    num_shared_first,
)
from themis_common.schemas import MODEL_FILES, PAIRS, TOKENISED_PAIRS, required, schema_of
from themis_common.stages import Context, Stage, UnitOutput

UNENCODABLE = ("prompt_too_long", "control_token")
EMPTY_RESPONSE = "empty_response"
IDENTICAL_PAIR = "identical_pair"
TRUNCATED = "truncated"
TRUNCATED_RESPONSES = schema_of(
    "truncated_responses",
    1,
    required("side", pa.string()),
)
"""Each response that was cut; `side` is chosen or rejected."""


@config
class PackPairsConfig:
    """How long a conversation may be."""

    max_tokens: int = option(
        4096,
        help="longest conversation in tokens; longer responses are cut (paper: 2560 for PT, 4096 for PM)",
    )


class PackedPair(NamedTuple):
    """The token columns of a pair, and the sides whose response was cut."""

    columns: dict[str, Any]
    truncated: tuple[str, ...]


class DroppedPairError(Exception):
    """A pair that cannot be trained on; `reason` is one of the stage's."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def pack_pairs(context: Context[PackPairsConfig], unit: str, output: UnitOutput) -> None:
    """Tokenise one shard of pairs."""
    from themis_common.modeling.tokenizer import load_tokenizer

    model = fetch_model(context.inputs["model"], context.scratch, only=FOR_TOKENIZING)
    renderer = ChatRenderer(load_tokenizer(model))
    truncated = 0
    for number, row in enumerate(context.inputs["pairs"].rows(unit)):
        key = row["row_key"]
        output.read([key])
        try:
            packed = tokenise_pair(renderer, row, context.config.max_tokens)
        except DroppedPairError as dropped:
            output.drop(key, dropped.reason, str(dropped))
            continue
        truncated += len(packed.truncated)
        for side in packed.truncated:
            output.add(TRUNCATED, {"row_key": key, "side": side})
        kept = {name: row[name] for name in ("language", "criterion", "split")}
        output.emit({"row_key": key, **packed.columns, **kept})
        context.progress.update(number + 1, unit="pairs")
    if truncated:
        cut, most = counted(truncated, "response"), counted(context.config.max_tokens, "token")
        context.progress.say(f"{unit}: cut {cut} so that conversations have at most {most}")


def tokenise_pair(renderer: ChatRenderer, row: dict[str, Any], max_tokens: int) -> PackedPair:
    """One pair as tokens, its responses cut where a conversation is longer than `max_tokens`.

    Raises:
        DroppedPairError: the prompt is too long, a side has no response, or both sides have the same tokens.
    """
    sides = {
        side: _encode(renderer, Conversation(row["system"], row["input"], row[side]), max_tokens)
        for side in ("chosen", "rejected")
    }
    chosen, rejected = sides.values()
    # both share the prompt, but the first response token may have swallowed the prompt's last character in one only
    prompt_tokens = min(chosen.prompt_tokens, rejected.prompt_tokens)
    shortest = min(len(chosen.ids), len(rejected.ids))
    if shortest <= prompt_tokens:
        raise DroppedPairError(EMPTY_RESPONSE, "a side has no token after the prompt")
    if chosen.ids == rejected.ids:
        raise DroppedPairError(IDENTICAL_PAIR, f"both sides have the same {len(chosen.ids)} tokens")
    # each side keeps a token of its own, the one that is scored
    prefix = min(num_shared_first(chosen.ids, rejected.ids), shortest - 1)
    truncated = tuple(side for side, encoded in sides.items() if encoded.truncated)
    columns = {
        "prefix_ids": chosen.ids[:prefix],
        "chosen_ids": chosen.ids[prefix:],
        "rejected_ids": rejected.ids[prefix:],
        "prompt_tokens": prompt_tokens,
        "truncated": bool(truncated),
    }
    return PackedPair(columns, truncated)


def _encode(renderer: ChatRenderer, conversation: Conversation, max_tokens: int) -> EncodedConversation:
    try:
        return renderer.encode(conversation, max_tokens)
    except UnencodableConversationError as error:
        raise DroppedPairError(error.reason, str(error)) from error


STAGE = Stage(
    name="training.pack_pairs",
    version=2,
    config=PackPairsConfig,
    inputs={"pairs": PAIRS, "model": MODEL_FILES},
    output=TOKENISED_PAIRS,
    side_tables={TRUNCATED: TRUNCATED_RESPONSES},
    reasons=(*UNENCODABLE, EMPTY_RESPONSE, IDENTICAL_PAIR),
    work=pack_pairs,
)
