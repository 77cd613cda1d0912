"""Pairs of conversations as text, for a tokenizer that takes every capital letter as one token.

So texts have the lengths of a set (`length_sets.py`), and whoever tokenises them gets the same ids. A system text is
the beginning of the user's, because not every peer has system turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from transformers import PreTrainedTokenizerFast

from tests.benchmarks.length_sets import FIRST_TOKEN, PairLengths, token_pairs
from themis_common.modeling.tiny import train_tokenizer
from themis_common.modeling.token_pair import TokenIds
from themis_common.prompts.chat import Conversation

_PROMPT_TEMPLATE = 8
_RESPONSE_TEMPLATE = 2
"""Tokens that ChatML puts around the prompt and behind the response."""


@dataclass(frozen=True, slots=True)
class TextPair:
    """A prompt with either response."""

    chosen: Conversation
    rejected: Conversation


def letter_tokenizer(max_tokens: int) -> PreTrainedTokenizerFast:
    """A tokenizer with the ChatML template, whose merges are in the names of the roles alone."""
    return train_tokenizer(["user", "assistant"], vocabulary=400, max_tokens=max_tokens)


def text_pairs(lengths: Sequence[PairLengths], seed: int) -> list[TextPair]:
    """Pairs of random letters in these lengths, in which the tokens of the template count; none is empty."""
    letters = [
        PairLengths(
            prompt=max(1, pair.prompt - _PROMPT_TEMPLATE),
            chosen=max(1, pair.chosen - _RESPONSE_TEMPLATE),
            rejected=max(1, pair.rejected - _RESPONSE_TEMPLATE),
            preamble=pair.preamble,
        )
        for pair in lengths
    ]
    pairs = token_pairs(letters, FIRST_TOKEN + len(ascii_uppercase), seed, with_preamble=True)
    return [
        TextPair(
            chosen=Conversation(None, _text(pair.prefix), _text(pair.chosen)),
            rejected=Conversation(None, _text(pair.prefix), _text(pair.rejected)),
        )
        for pair in pairs
    ]


def _text(ids: TokenIds) -> str:
    return "".join(ascii_uppercase[token - FIRST_TOKEN] for token in ids)
