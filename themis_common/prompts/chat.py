"""The one renderer of conversations: training, evaluation and judging all turn text into token ids here.

A conversation is laid out by the tokenizer's own chat template (run in the sandbox of transformers), encoded
once without adding special tokens again, and cut, where it is too long, inside the response: the prompt and
the tokens that end the turn stay. Control tokens that the data spells are broken first (see
`control_tokens`), so the ids hold no control token that the template did not write.

Differences from the published scripts (facts/evaluation.md section 2.2, facts/training.md section 5): one
start token instead of two, a cut that keeps the end of the turn, no silent fall-back to plain text, and a
fixed date for templates that print one.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from typing import Any, Literal, Protocol

from jinja2 import TemplateError

from themis_common.errors import UserError
from themis_common.prompts.control_tokens import AddedToken, ControlTokens

# Some templates print the current date through `strftime_now`. Shadowing it keeps token ids the same on every
# day; this date is the one that Llama 3 templates print where there is no clock.
_FIXED_CLOCK = "{%- macro strftime_now(format) -%}26 Jul 2024{%- endmacro -%}"


@dataclass(frozen=True, slots=True)
class Conversation:
    """One prompt and one response; an empty system text counts as none."""

    system: str | None
    user: str
    assistant: str


@dataclass(frozen=True, slots=True)
class EncodedConversation:
    """Token ids of a conversation.

    Attributes:
        ids: all tokens, from the start token to the end of the assistant's turn.
        prompt_tokens: how many of them come before the first token that holds response text.
        truncated: whether response tokens were left out.
    """

    ids: list[int]
    prompt_tokens: int
    truncated: bool


class UnencodableConversationError(UserError):
    """A conversation that cannot become token ids; `reason` is the name under which a stage drops its row."""

    def __init__(self, reason: Literal["prompt_too_long", "control_token"], message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Frame:
    """What the template writes before and after the response, as text and as ids."""

    before: str
    after: str
    before_ids: list[int]
    after_ids: list[int]


class ChatTokenizer(Protocol):
    """The part of a transformers tokenizer that rendering needs."""

    @property
    def added_tokens_decoder(self) -> Mapping[int, AddedToken]: ...
    @property
    def bos_token_id(self) -> int | None: ...
    @property
    def unk_token_id(self) -> int | None: ...
    def get_chat_template(self, chat_template: str | None = None) -> str: ...
    def apply_chat_template(self, conversation: Any, **options: Any) -> Any: ...
    def encode(self, text: str, **options: Any) -> Any: ...


def chatml_template() -> str:
    """The ChatML template, for tokenizers that are made here and have none of their own."""
    return (resources.files(__package__) / "texts" / "chat" / "chatml.j2").read_text(encoding="utf-8")


class ChatRenderer:
    """Renders and encodes conversations with one tokenizer.

    Attributes:
        system_placement: "system_turn", or "user_turn" where the template refuses or ignores a system turn
            and the system text therefore opens the user turn, followed by a blank line.

    Args:
        chat_template: in place of the tokenizer's own.
        empty_system_turn: write a system turn without text where there is no system text, for models that were
            trained so (a template may otherwise put a sentence of its own there).

    Raises:
        UserError: the tokenizer has no chat template, or one that loses the user's or the assistant's text.
    """

    def __init__(
        self, tokenizer: ChatTokenizer, chat_template: str | None = None, *, empty_system_turn: bool = False
    ) -> None:
        self._tokenizer = tokenizer
        self._empty_system_turn = empty_system_turn
        self._template = _template_of(tokenizer, chat_template)
        self.control_tokens = ControlTokens(tokenizer.added_tokens_decoder, self._template)
        self.system_placement = self._find_system_placement()
        # Unknown characters also become a special token, but one that no data can choose freely.
        self._watched = self.control_tokens.ids - {tokenizer.unk_token_id}
        self._prepend_bos = self._needs_bos()
        self._last_frame: tuple[tuple[str | None, str], _Frame] | None = None
        self._written_by_template = {
            system: self._watched_in(self._ids(self._lay_out(Conversation(system, "u", "a"))))
            for system in (None, "s")
        }

    def render(self, conversation: Conversation) -> str:
        """The conversation as the template lays it out, control tokens in its texts broken."""
        return self._lay_out(self._escaped(conversation))

    def encode(self, conversation: Conversation, max_tokens: int | None = None) -> EncodedConversation:
        """Token ids of the conversation, at most `max_tokens` of them.

        Raises:
            UnencodableConversationError: `prompt_too_long` when the prompt leaves no room for a response
                token;
                `control_token` when the tokenizer makes a control token of text that does not spell one
                (a normaliser can do that).
        """
        escaped = self._escaped(conversation)
        frame = self._frame(escaped)
        text = self._lay_out(escaped)
        if not (text.startswith(frame.before) and text.endswith(frame.after)):
            raise UserError(
                "the chat template writes the prompt differently for different responses: give another one"
            )
        ids = self._ids(text)
        self._check_control_tokens(ids, escaped)
        prompt_tokens = num_shared_first(ids, frame.before_ids)
        end_tokens = num_shared_first(ids[prompt_tokens:][::-1], frame.after_ids[::-1])
        if max_tokens is None or len(ids) <= max_tokens:
            return EncodedConversation(ids, prompt_tokens, truncated=False)
        room = max_tokens - prompt_tokens - end_tokens
        if room < 1:
            raise UnencodableConversationError(
                "prompt_too_long",
                f"the prompt takes {prompt_tokens} of {max_tokens} tokens and leaves no room for a response:"
                " raise max_tokens or shorten the prompt",
            )
        kept = ids[: prompt_tokens + room] + ids[len(ids) - end_tokens :]
        return EncodedConversation(kept, prompt_tokens, truncated=True)

    def _escaped(self, conversation: Conversation) -> Conversation:
        escape = self.control_tokens.escape
        return Conversation(
            escape(conversation.system) if conversation.system else None,
            escape(conversation.user),
            escape(conversation.assistant),
        )

    def _lay_out(self, conversation: Conversation) -> str:
        return self._apply_template(self._messages(conversation))

    def _messages(self, conversation: Conversation) -> list[dict[str, str]]:
        user = {"role": "user", "content": conversation.user}
        assistant = {"role": "assistant", "content": conversation.assistant}
        if conversation.system is None:
            return (
                [{"role": "system", "content": ""}, user, assistant]
                if self._empty_system_turn
                else [user, assistant]
            )
        if self.system_placement == "user_turn":
            merged = f"{conversation.system.rstrip()}\n\n{conversation.user}"
            return [{"role": "user", "content": merged}, assistant]
        return [{"role": "system", "content": conversation.system}, user, assistant]

    def _apply_template(self, messages: list[dict[str, str]]) -> str:
        text = self._tokenizer.apply_chat_template(
            messages,
            chat_template=self._template,
            tokenize=False,
            add_generation_prompt=False,
        )
        assert isinstance(text, str), f"the chat template gave {type(text).__name__} instead of text"
        return text

    def _find_system_placement(self) -> Literal["system_turn", "user_turn"]:
        self.system_placement = "system_turn"
        probe = Conversation("probe-system", "probe-user", "probe-assistant")
        try:
            plain = self._lay_out(replace(probe, system=None))
        except TemplateError as error:
            raise UserError(
                f"the chat template refuses a conversation ({error}): give another one"
            ) from error
        for text in (probe.user, probe.assistant):
            if plain.count(text) != 1:
                raise UserError(
                    f"the chat template writes {text!r} {plain.count(text)} times instead of once:"
                    " give another one"
                )
        try:
            with_system = self._lay_out(probe)
        except TemplateError:
            return "user_turn"
        return "system_turn" if "probe-system" in with_system else "user_turn"

    def _frame(self, escaped: Conversation) -> _Frame:
        prompt = (escaped.system, escaped.user)
        # The two sides of a pair come one after the other and share their frame.
        if self._last_frame is None or self._last_frame[0] != prompt:
            # A hash of the prompt cannot also occur in it.
            response = f"response-{hashlib.sha256(repr(prompt).encode()).hexdigest()}"
            before, _, after = self._lay_out(replace(escaped, assistant=response)).partition(response)
            frame = _Frame(before, after, self._ids(before), self._plain_ids(after))
            self._last_frame = prompt, frame
        return self._last_frame[1]

    def _needs_bos(self) -> bool:
        bos = self._tokenizer.bos_token_id
        if bos is None or bos not in self._tokenizer.encode("", add_special_tokens=True):
            return False
        return self._plain_ids(self._lay_out(Conversation(None, "u", "a")))[:1] != [bos]

    def _ids(self, text: str) -> list[int]:
        ids = self._plain_ids(text)
        if self._prepend_bos:
            assert self._tokenizer.bos_token_id is not None
            return [self._tokenizer.bos_token_id, *ids]
        return ids

    def _plain_ids(self, text: str) -> list[int]:
        ids = self._tokenizer.encode(text, add_special_tokens=False)
        assert isinstance(ids, list), f"the tokenizer gave {type(ids).__name__} instead of a list of ids"
        assert not ids or type(ids[0]) is int, f"the tokenizer gave a list of {type(ids[0]).__name__}"
        return ids

    def _watched_in(self, ids: Sequence[int]) -> list[int]:
        return [token for token in ids if token in self._watched]

    def _check_control_tokens(self, ids: Sequence[int], escaped: Conversation) -> None:
        expected = self._written_by_template["s" if escaped.system else None]
        if self._watched_in(ids) != expected:
            raise UnencodableConversationError(
                "control_token",
                "the tokenizer makes a control token of text that does not spell one: drop the row",
            )


def _template_of(tokenizer: ChatTokenizer, chat_template: str | None) -> str:
    try:
        template = tokenizer.get_chat_template(chat_template)
    except ValueError as error:
        raise UserError("the tokenizer has no chat template: save one with it or pass one") from error
    return _FIXED_CLOCK + template if "strftime_now" in template else template


def num_shared_first(left: Sequence[int], right: Sequence[int]) -> int:
    """How many tokens two sequences share before they differ or one ends."""
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))
