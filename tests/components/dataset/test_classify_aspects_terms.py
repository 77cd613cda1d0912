"""Term lists and both ways of matching them."""

import re

import pytest

from components.dataset.classify_aspects.terms import STEM, TermMatcher, load_terms
from themis_common.taxonomy import CODE_CRITERIA, Criterion

FC, RE, ME, SH, RM = (
    Criterion.FUNCTIONAL_CORRECTNESS,
    Criterion.RUNTIME_EFFICIENCY,
    Criterion.MEMORY_EFFICIENCY,
    Criterion.SECURITY_HARDNESS,
    Criterion.READABILITY_MAINTAINABILITY,
)

TRUE_HITS = [
    ("Fix buffer overflow in parser", SH),
    ("Refactor settings loader", RM),
    ("Speed up lookup with LRU cache", RE),
    ("Fix memory leak in worker pool", ME),
    ("Lazy load images", ME),
    ("Handle null user in session", FC),
    ("Sanitize HTML input", SH),
    ("Rename variable for clarity", RM),
    ("Resolve Coverity warning", SH),
    ("Add feature flag", FC),
    ("Bump version to 1.2.3", None),
    ("Improve README", None),
    ("Add index to users table", RE),
    ("Consolidate helpers", RM),
]
"""facts/dataset.md section 18.4; the last two are listed there as false positives but name what they do."""

FALSE_HITS = [
    ("Fix docs typo", FC),
    ("Fix formatting", FC),
    ("Update resource paths", SH),
    ("Enforce line length", SH),
    ("Add source map", SH),
    ("Use settings from env", RE),
    ("Realign table header", FC),
]
"""What the published substring match is known to get wrong."""


def _criteria(message: str, mode: str) -> list[Criterion]:
    return list(TermMatcher(CODE_CRITERIA, mode).match(message))  # type: ignore[arg-type]


@pytest.mark.parametrize(("message", "criterion"), TRUE_HITS + FALSE_HITS)
def test_substring_mode_finds_what_the_published_match_finds(
    message: str, criterion: Criterion | None
) -> None:
    assert _criteria(message, "substring") == ([criterion] if criterion else [])


@pytest.mark.parametrize(("message", "criterion"), TRUE_HITS)
def test_word_mode_finds_what_is_meant(message: str, criterion: Criterion | None) -> None:
    assert _criteria(message, "word") == ([criterion] if criterion else [])


@pytest.mark.parametrize("message", [message for message, _ in FALSE_HITS])
def test_word_mode_has_none_of_the_known_false_positives(message: str) -> None:
    assert _criteria(message, "word") == []


def test_the_terms_found_are_told() -> None:
    for mode in ("word", "substring"):
        found = TermMatcher(CODE_CRITERIA, mode).match("Speed up lookup with LRU cache")  # type: ignore[arg-type]
        assert found == {RE: ["lru", "speed up"]}


@pytest.mark.parametrize(
    ("message", "criterion"),
    [
        ("fix use-after-free in ring", SH),
        ("perf: skip work that nobody asked for", RE),
        ("Lookup is O(log n) now", RE),
        ("Get rid of the N+1 queries in the list", RE),
        ("It doesn't work when offline", FC),
        ("Refactored the\n  loader", RM),
        ("Parallelize the loop", RE),
        ("FIX NPE IN LOADER", FC),
        ("close file_handle leak", ME),
    ],
)
def test_words_are_compared_without_punctuation_case_and_line_breaks(
    message: str, criterion: Criterion
) -> None:
    assert _criteria(message, "word") == [criterion]


def test_a_message_may_speak_of_several_criteria() -> None:
    assert _criteria("Refactor the cache and fix memory leak", "word") == [RM, ME]


def test_only_the_criteria_asked_for_are_looked_for() -> None:
    assert list(TermMatcher([ME], "word").match("Refactor the cache and fix memory leak")) == [ME]


@pytest.mark.parametrize("criterion", CODE_CRITERIA)
def test_lists_are_sorted_lower_case_and_without_repetition(criterion: Criterion) -> None:
    terms = load_terms(criterion)
    assert list(terms) == sorted(set(terms))
    assert 60 <= len(terms) <= 150
    for term in terms:
        assert term == term.lower().strip()
        assert re.search("[a-z0-9]", term)
        assert STEM not in term[:-1]


@pytest.mark.parametrize("criterion", CODE_CRITERIA)
def test_no_term_of_a_list_is_idle_in_word_mode(criterion: Criterion) -> None:
    """A term that a shorter one of the same list always matches first says nothing."""
    matcher = TermMatcher([criterion], "word")
    for term in load_terms(criterion):
        bare = term.removesuffix(STEM)
        assert matcher.match(bare) == {criterion: [bare]}, term
