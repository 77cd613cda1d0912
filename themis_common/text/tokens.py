"""Words and n-grams of words.

A word is a maximal run of ASCII letters, digits and underscores; everything else separates. The published
code splits on every single separator and keeps the empty strings between them, so that two thirds of its
tokens are blanks and near-duplicates are decided by indentation (facts/data_eval_peers.md section 0, row 5).
"""

import re
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"[A-Za-z_0-9]+")


def words(text: str) -> list[str]:
    """The words of `text` in order, with their case."""
    return _WORD.findall(text)


def ngrams(tokens: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    """All windows of `size` consecutive tokens; none where there are fewer tokens.

    Args:
        tokens: in order.
        size: at least 1.
    """
    assert size >= 1, size
    return zip(*(tokens[start:] for start in range(size)), strict=False)
