"""Words, n-grams and hashed shingles against plain sets of strings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fixtures.word_shingles import ngrams, words
from themis_common.text.shingles import jaccard, shingle_hashes


def _shingle_set(text: str, size: int) -> set[tuple[str, ...]]:
    return set(ngrams(words(text), size))


def _exact(left: str, right: str, size: int) -> float:
    a, b = _shingle_set(left, size), _shingle_set(right, size)
    return len(a & b) / len(a | b) if a | b else 0.0


def test_words_are_runs_of_ascii_letters_digits_and_underscores() -> None:
    assert words("foo(bar, baz)\n") == ["foo", "bar", "baz"]
    assert words("def f(x):\n    return x+1") == ["def", "f", "x", "return", "x", "1"]
    assert words("caf\u00e9_1 \u2603") == ["caf", "_1"]
    assert words("") == []


def test_ngrams_are_all_windows() -> None:
    assert list(ngrams(["a", "b", "c"], 2)) == [("a", "b"), ("b", "c")]
    assert list(ngrams(["a", "b"], 3)) == []


_TEXT = st.text(alphabet="ab_1 (\n\u00e9\u2603\U0001f600", max_size=60)


@settings(max_examples=300, deadline=None)
@given(_TEXT, _TEXT, st.integers(1, 6))
def test_hashed_shingles_count_and_compare_as_the_plain_sets_do(left: str, right: str, size: int) -> None:
    a, b = shingle_hashes(left, size), shingle_hashes(right, size)
    assert len(a) == len(_shingle_set(left, size))
    assert (np.diff(a.astype(object)) > 0).all()
    assert jaccard(a, b) == pytest.approx(_exact(left, right, size))


def test_word_order_and_borders_matter() -> None:
    texts = ["a b c d e", "e d c b a", "ab c d e f", "a bc d e f", "a b c d E"]
    assert len({int(shingle_hashes(text, 5)[0]) for text in texts}) == len(texts)


def _mixed(value: int) -> int:
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        value = (value ^ value >> 33) * multiplier % 2**64
    return value ^ value >> 33


def test_the_numbers_are_those_of_the_definition() -> None:
    """Other engines must produce these; a change makes every stored signature another one."""
    polynomials = [
        sum((byte + 1) * pow(0x9E3779B97F4A7C15, place, 2**64) for place, byte in enumerate(word)) % 2**64
        for word in (b"def", b"f", b"x", b"return", b"x")
    ]
    total = sum(
        _mixed(value) * pow(0xD6E8FEB86659FD93, place, 2**64) for place, value in enumerate(polynomials)
    )
    assert shingle_hashes("def f(x):\n    return x", 5).tolist() == [_mixed(total % 2**64)]
    assert shingle_hashes("a b c d e", 5).tolist() == [12219354164009408285]


def test_a_text_longer_than_the_kept_powers_hashes_as_its_parts_do() -> None:
    text = " ".join(f"w{number}" for number in range(20_000))
    hashes = shingle_hashes(text, 5)
    assert len(text) > 1 << 16
    assert len(hashes) == 19_996
    tail = " ".join(f"w{number}" for number in range(19_000, 19_100))
    assert np.isin(shingle_hashes(tail, 5), hashes).all()


@pytest.mark.parametrize(
    ("changed", "similarity"), [(1, 0.985), (4, 0.913), (8, 0.825), (16, 0.671), (48, 0.249)]
)
def test_replacing_tokens_gives_the_known_similarities(changed: int, similarity: float) -> None:
    """The oracle of facts/dataset.md section 18.3; without blanks runs both definitions of a token agree."""
    tokens = [str(number) for number in range(400)]
    copy = list(tokens)
    for number in range(changed):
        copy[400 // changed * number + 2] = f"z{number}"
    left, right = shingle_hashes(" ".join(tokens), 5), shingle_hashes(" ".join(copy), 5)
    assert jaccard(left, right) == pytest.approx(similarity, abs=5e-4)
