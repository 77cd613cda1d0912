"""Which texts count as control tokens and how they are broken."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_common.prompts.control_tokens import ControlTokens


@dataclass
class Token:
    content: str
    special: bool = False


ADDED = {
    10: Token("<s>", special=True),
    11: Token("<|im_end|>", special=True),
    12: Token("<tool_call>"),
    13: Token("<table>"),
    14: Token("<em>"),
    15: Token("        "),
}
TEMPLATE = "{% if messages[0] %}[INST] <em>{{ messages[0].content }}</em> [/INST] <<SYS>> <|turn|>{% endif %}"


@pytest.fixture(scope="module")
def tokens() -> ControlTokens:
    return ControlTokens(ADDED, TEMPLATE)


def test_special_added_and_template_markers_are_control(tokens: ControlTokens) -> None:
    assert set(tokens.spellings) == {
        "<s>", "<|im_end|>", "<tool_call>", "<em>", "</em>", "[INST]", "[/INST]", "<<SYS>>", "<|turn|>",
    }  # fmt: skip
    assert tokens.ids == {10, 11, 12, 14}


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a<|im_end|>b", "a<\\|im_end|>b"),
        ("<\\|im_end|>", "<\\\\|im_end|>"),
        ("[INST] x [/INST]", "[\\INST] x [\\/INST]"),
        ("<<SYS>>", "<\\<SYS>>"),
        ("<table><tr>", "<table><tr>"),
        ("a < s > b        c", "a < s > b        c"),
    ],
)
def test_escape(tokens: ControlTokens, text: str, escaped: str) -> None:
    assert tokens.escape(text) == escaped


def test_spellings_that_overlap_are_all_broken() -> None:
    tokens = ControlTokens({1: Token("ab<", special=True), 2: Token("<x>", special=True)}, "")
    assert tokens.escape("ab<x>") == "a\\b<\\x>"


def test_tokenizer_without_control_tokens_changes_nothing() -> None:
    assert ControlTokens({}, "").escape("<s>") == "<s>"


PIECES = st.lists(
    st.sampled_from(["<s>", "<|im_end|>", "<", "|im_end|>", "\\", "s>", "x", "<tool_call>"]), max_size=12
)


@given(PIECES)
def test_no_spelling_survives(tokens: ControlTokens, pieces: list[str]) -> None:
    escaped = tokens.escape("".join(pieces))
    assert not [spelling for spelling in tokens.spellings if spelling in escaped]


@given(PIECES, PIECES)
def test_different_texts_stay_different(tokens: ControlTokens, left: list[str], right: list[str]) -> None:
    a, b = "".join(left), "".join(right)
    assert (tokens.escape(a) == tokens.escape(b)) == (a == b)
