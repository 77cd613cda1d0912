"""Digests tell apart what differs and agree on what is the same however it is sharded."""

import hashlib
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from themis_common.hashing import (
    ContentDigest,
    canonical_json,
    digest_of,
    file_digest,
    rng,
    row_key,
    stream_digest,
)

CELLS = st.lists(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.lists(st.text()),
    min_size=1,
    max_size=4,
)


def digest(rows: list[list[Any]]) -> ContentDigest:
    content = ContentDigest()
    for row in rows:
        content.add(row)
    return content


def test_row_keys_do_not_confuse_where_parts_end() -> None:
    assert row_key("a", "bc") != row_key("ab", "c")
    assert row_key("1") != row_key(1)
    assert len(row_key("a")) == 32


@given(st.lists(CELLS, max_size=8), st.randoms(use_true_random=False), st.integers(0, 8))
def test_digest_ignores_order_and_sharding(rows: list[list[Any]], shuffler: random.Random, cut: int) -> None:
    whole = digest(rows).hexdigest()
    shuffled = rows[:]
    shuffler.shuffle(shuffled)
    parts = digest(shuffled[:cut])
    parts.merge(ContentDigest.from_state(digest(shuffled[cut:]).state()))
    assert parts.hexdigest() == whole


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([["a"]], [["a"], ["a"]]),
        ([["a", "b"]], [["ab", ""]]),
        ([[None]], [[""]]),
        ([[1]], [[True]]),
        ([[1]], [[1.0]]),
        ([["a"], ["b"]], [["a"], ["c"]]),
        ([[["a", "b"]]], [[["ab"]]]),
        ([], [[""]]),
    ],
)
def test_digest_tells_rows_apart(one: list[list[Any]], other: list[list[Any]]) -> None:
    assert digest(one).hexdigest() != digest(other).hexdigest()


def test_random_draws_depend_on_seed_key_and_purpose_only() -> None:
    draws = {
        (seed, key, purpose): rng(seed, key, purpose).random()
        for seed in (1, 2)
        for key in ("k", "l")
        for purpose in ("p", "q")
    }
    assert len(set(draws.values())) == 8
    assert rng(1, "k", "p").random() == draws[1, "k", "p"]


def test_canonical_json_is_one_spelling() -> None:
    assert canonical_json({"b": 1, "a": [1, "x"]}) == '{"a":[1,"x"],"b":1}'
    assert digest_of({"b": 1, "a": 2}) == digest_of({"a": 2, "b": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))


def test_the_digest_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    content = b"0123456789abcdef" * 100_000
    (tmp_path / "file").write_bytes(content)
    assert file_digest(tmp_path / "file") == hashlib.sha256(content).hexdigest()
    with (tmp_path / "file").open("rb") as stream:
        stream.seek(7)
        assert stream_digest(stream) == hashlib.sha256(content[7:]).hexdigest()
