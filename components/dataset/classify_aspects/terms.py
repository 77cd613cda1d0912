"""Finding out which criteria a commit message speaks of, by lists of terms.

Each file in `terms/` is the list of one criterion: a lower-case term a line; a star at its end makes it a stem.

Two ways to match. `word`: text and terms are compared as sequences of words (runs of letters and digits), so
`rce` does not fire on "source"; the last word of a stem may go on. `substring`: as published, a term matches
wherever its letters stand, and so does a stem (facts/dataset.md sections 9.1, 16.1 row 17 and 18.4).
"""

import functools
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Literal

from themis_common.taxonomy import Criterion

MatchMode = Literal["word", "substring"]

STEM = "*"


def load_terms(criterion: Criterion) -> tuple[str, ...]:
    """The terms of a criterion as they stand in its file, stems with their star."""
    return _load_terms(criterion.key)


class TermMatcher:
    """Finds terms of several criteria in texts."""

    def __init__(self, criteria: Iterable[Criterion], mode: MatchMode) -> None:
        self._mode = mode
        self._needles: Mapping[Criterion, tuple[tuple[str, str], ...]] = {
            criterion: tuple((term.removesuffix(STEM), self._needle(term)) for term in load_terms(criterion))
            for criterion in criteria
        }

    def match(self, text: str) -> dict[Criterion, list[str]]:
        """The criteria that `text` speaks of, each with the terms (without stars) that were found."""
        haystack = _as_words(text) if self._mode == "word" else text.lower()
        found = {
            criterion: [term for term, needle in needles if needle in haystack]
            for criterion, needles in self._needles.items()
        }
        return {criterion: terms for criterion, terms in found.items() if terms}

    def _needle(self, term: str) -> str:
        if self._mode == "substring":
            return term.removesuffix(STEM)
        words = _as_words(term.removesuffix(STEM))
        return words.rstrip(" ") if term.endswith(STEM) else words


def _as_words(text: str) -> str:
    """The words of a text in lower case, each with one blank before and after it."""
    return f" {' '.join(re.findall('[a-z0-9]+', text.lower()))} "


@functools.cache
def _load_terms(key: str) -> tuple[str, ...]:
    text = (resources.files(__package__) / "terms" / f"{key}.txt").read_text("utf-8")
    return tuple(text.splitlines())
