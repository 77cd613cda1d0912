"""Turns a conversation into token ids and the positions in them at which an architecture reads hidden states.

Positions are found in the conversation's own ids, before anything is padded or packed: neither the padding side nor a
padding id inside the text can move them (facts/evaluation.md section 4.0 shows how the published rules fail there).
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Literal

import numpy as np
from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from themis_common.architectures.architecture import LastOccurrence, Position, Readout, Rendering
from themis_common.architectures.heads import Config, Setting
from themis_common.errors import UserError
from themis_common.modeling.token_pair import TokenIds
from themis_common.modeling.tokenizer import load_tokenizer
from themis_common.prompts.chat import (
    ChatRenderer,
    Conversation,
    UnencodableConversationError,
    chatml_template,
)

Failure = Literal["too_long", "marker_lost", "control_token"]


class UnscorableConversationError(UserError):
    """A conversation that an architecture cannot score; `failure` is the type under which it is reported."""

    def __init__(self, failure: Failure, message: str) -> None:
        super().__init__(message)
        self.failure = failure


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Token ids of a conversation, int32 (T,), and the positions to read, one for each of the architecture."""

    ids: TokenIds
    positions: tuple[int, ...]


class Encoder:
    """Encodes conversations for one architecture with the tokenizer of a checkpoint.

    Args:
        folder: the tokenizer's files; code in it is never run.
        config: content of the checkpoint's config.json.
        max_tokens: longest conversation; nothing is ever cut.

    Raises:
        UserError: there is no usable tokenizer or chat template.
    """

    def __init__(self, folder: Path, readout: Readout, config: Config, max_tokens: int) -> None:
        self._positions = readout.positions
        self._max_tokens = max_tokens
        appended = readout.rendering.appended
        self._appended = int(appended.of(config)) if isinstance(appended, Setting) else appended
        self.tokenizer = _load(folder, readout.rendering)
        # the limit is checked here; the tokenizer would only print a warning about it
        self.tokenizer.model_max_length = sys.maxsize
        template = None if self.tokenizer.chat_template else _kept_template(readout.rendering)
        self._folder = folder
        with _template_errors(folder):
            self._renderer = ChatRenderer(
                self.tokenizer, template, empty_system_turn=readout.rendering.empty_system_turn
            )

    def encode(self, conversation: Conversation) -> Encoded:
        """Ids with exactly the control tokens of the template, one start token and the architecture's own marker.

        Raises:
            UnscorableConversationError: too many tokens, a text that turns into a control token, or no marker.
            UserError: the chat template fails on it.
        """
        try:
            with _template_errors(self._folder):
                ids = self._renderer.encode(conversation).ids
        except UnencodableConversationError as error:
            raise UnscorableConversationError("control_token", str(error)) from error
        if self._appended is not None and ids[-1] != self._appended:
            ids = [*ids, self._appended]
        if len(ids) > self._max_tokens:
            raise UnscorableConversationError("too_long", f"{len(ids)} tokens, {self._max_tokens} allowed")
        return Encoded(
            np.array(ids, dtype=np.int32), tuple(_find(position, ids) for position in self._positions)
        )


def _find(position: Position, ids: Sequence[int]) -> int:
    if not isinstance(position, LastOccurrence):
        return len(ids) - 1
    wanted = list(position.ids)
    for start in range(len(ids) - len(wanted), -1, -1):
        if ids[start] == wanted[0] and list(ids[start : start + len(wanted)]) == wanted:
            return start
    raise UnscorableConversationError("marker_lost", f"the token ids {wanted} do not occur in it")


def _load(folder: Path, rendering: Rendering) -> PreTrainedTokenizerBase:
    try:
        tokenizer = _found(folder)
        # from a folder without tokenizer files transformers makes one without vocabulary
        if not tokenizer.encode("a", add_special_tokens=False):
            raise UserError(f"{folder}: no usable tokenizer (it knows no text)")
    except UserError as error:
        whose = rendering.tokenizer_of or "the model"
        raise UserError(f"{error}: put the tokenizer files of {whose} there") from error
    return tokenizer


def _found(folder: Path) -> PreTrainedTokenizerBase:
    try:
        return load_tokenizer(folder)
    except UserError:
        # tokenizers whose class is code of the hub come with a tokenizer.json that needs no class
        if not (folder / "tokenizer.json").is_file():
            raise
    try:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    except (OSError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{folder}: no usable tokenizer ({reason})") from error
    assert isinstance(tokenizer, PreTrainedTokenizerBase)
    return tokenizer


@contextmanager
def _template_errors(folder: Path) -> Iterator[None]:
    """What a chat template raises, as one line that says whose it is: it computes, so it may fail like other code."""
    try:
        yield
    except UnencodableConversationError:
        raise
    except UserError as error:
        raise UserError(f"{folder}: {error}") from error
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{folder}: the chat template fails ({reason}): give another one") from error


def _kept_template(rendering: Rendering) -> str | None:
    if not rendering.template:
        return None
    if rendering.template == "chatml":
        return chatml_template()
    folder = resources.files("themis_common.architectures") / "templates"
    return (folder / f"{rendering.template}.j2").read_text(encoding="utf-8")
