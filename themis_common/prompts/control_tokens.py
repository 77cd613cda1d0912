r"""Keeps the tokenizer's control tokens out of data: whatever spells one in a text is broken by a backslash.

A response that contains `<|im_end|>` would otherwise end its own turn and could open a system turn. The rule:
wherever a text spells a control token, a backslash is put after its first character (`<|im_end|>` becomes
`<\|im_end|>`); a spelling that already carries backslashes there gets one more, so that different texts stay
different. Nothing else in the text changes.

A control token is
- a special token of the tokenizer (end of text, padding, start of a turn, ...), whatever it looks like;
- any other added token, except runs of white space and bare HTML elements such as `<table>`, which some
  vocabularies hold as ordinary words, unless the chat template writes them itself;
- a marker that the chat template writes, even where the tokenizer spells it with ordinary tokens: `<|user|>`,
  `[INST]`, `<<SYS>>`, `<think>`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

_HTML_ELEMENT = re.compile(r"</?[a-z]+[1-6]?>")
_TEMPLATE_MARKER = re.compile(r"<\|[^|<>\s]+\|>|<</?[A-Za-z_]+>>|</?[A-Za-z_]+>|\[/?[A-Z][A-Z_]*\]")


class AddedToken(Protocol):
    """What the tokenizers library says about a token outside the learned vocabulary."""

    content: str
    special: bool


class ControlTokens:
    """The control tokens of one tokenizer with one chat template.

    Attributes:
        spellings: every text that must not appear in data, longest first.
        ids: token ids of those spellings that are tokens of their own.
    """

    def __init__(self, added_tokens: Mapping[int, AddedToken], template: str) -> None:
        control = {
            token_id: token.content
            for token_id, token in added_tokens.items()
            if _is_control(token, template)
        }
        self.ids = frozenset(control)
        found = {*control.values(), *_TEMPLATE_MARKER.findall(template)}
        self.spellings = sorted(found, key=lambda spelling: (-len(spelling), spelling))
        self._start = _start_of_any(self.spellings)

    def escape(self, text: str) -> str:
        """`text` with every control token broken; the same text where it spells none."""
        if self._start is None:
            return text
        return self._start.sub(lambda match: match[0] + "\\", text)


def _is_control(token: AddedToken, template: str) -> bool:
    if token.special:
        return True
    if len(token.content) < 2 or token.content.isspace():
        return False
    return token.content in template or _HTML_ELEMENT.fullmatch(token.content) is None


def _start_of_any(spellings: Iterable[str]) -> re.Pattern[str] | None:
    # Looking ahead, rather than consuming the spelling, also finds one that starts inside another.
    starts = [
        re.escape(spelling[0]) + r"(?=\\*" + re.escape(spelling[1:]) + ")"
        for spelling in spellings
        if len(spelling) > 1
    ]
    return re.compile("|".join(starts)) if starts else None
