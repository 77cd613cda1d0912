"""Near-duplicates: candidates, verification, order of keeping, and the cases the published code gets wrong."""

import random
from pathlib import Path

import numpy as np
import pytest
from datasketch import MinHash, MinHashLSH

from themis_common.text.minhash import band_keys, signature
from themis_common.text.near_duplicates import ALONE, Duplicate, ShingleSets, band_groups, find_duplicates
from themis_common.text.shingles import jaccard, shingle_hashes

BANDS, ROWS, PERMUTATIONS = 39, 6, 256


def _duplicates(
    texts: list[str], order: list[int] | None = None, threshold: float = 0.7
) -> dict[int, Duplicate]:
    hashes = [shingle_hashes(text, 5) for text in texts]
    keys = np.stack([band_keys(signature(each, PERMUTATIONS, 77), BANDS, ROWS) for each in hashes])
    return find_duplicates(band_groups(keys), order or list(range(len(texts))), hashes.__getitem__, threshold)


def _family(seed: int, copies: int) -> list[str]:
    """A text of 300 words and copies of it with some words replaced."""
    rng = random.Random(seed)
    base = [f"w{rng.randrange(10**6)}" for _ in range(300)]
    texts = [base]
    for _ in range(copies):
        copy = list(base)
        for place in rng.sample(range(300), rng.randrange(1, 40)):
            copy[place] = f"x{rng.randrange(10**6)}"
        texts.append(copy)
    return [" ".join(text) for text in texts]


def test_groups_hold_exactly_the_texts_with_equal_keys() -> None:
    keys = np.array([[1, 9], [2, 8], [1, 7], [3, 9]], dtype=np.uint64)
    groups = band_groups(keys)
    assert groups[0, 0] == groups[2, 0] != ALONE
    assert groups[0, 1] == groups[3, 1] != ALONE
    assert groups[1].tolist() == [ALONE, ALONE]
    assert (groups[2, 1], groups[3, 0]) == (ALONE, ALONE)
    assert sorted(set(groups[groups != ALONE].tolist())) == [0, 1]


def test_shingle_sets_are_filled_in_any_order(tmp_path: Path) -> None:
    sets = ShingleSets(np.array([3, 0, 2], dtype=np.uint32), tmp_path / "shingles")
    sets.fill([2, 0], [np.array([7, 9], dtype=np.uint64), np.array([5], dtype=np.uint64)])
    assert [sets[index].tolist() for index in range(3)] == [[5], [], [7, 9]]


def test_candidates_are_those_of_datasketch() -> None:
    texts = [text for seed in range(10) for text in _family(seed, 5)]
    hashes = [shingle_hashes(text, 5) for text in texts]
    signatures = [signature(each, PERMUTATIONS, 77) for each in hashes]
    groups = band_groups(np.stack([band_keys(values, BANDS, ROWS) for values in signatures]))
    ours = {
        (left, right)
        for left in range(len(texts))
        for right in range(left + 1, len(texts))
        if ((groups[left] == groups[right]) & (groups[left] != ALONE)).any()
    }
    index = MinHashLSH(num_perm=PERMUTATIONS, params=(BANDS, ROWS))
    sketches = [
        MinHash(num_perm=PERMUTATIONS, seed=77, hashvalues=values, scheme="affine32") for values in signatures
    ]
    for number, sketch in enumerate(sketches):
        index.insert(number, sketch)
    theirs = {
        (min(number, other), max(number, other))
        for number, sketch in enumerate(sketches)
        for other in index.query(sketch)
        if other != number
    }
    assert ours == theirs
    assert len(ours) > 50


def test_what_goes_resembles_what_stays_and_what_stays_does_not() -> None:
    texts = [text for seed in range(20) for text in _family(seed, 6)]
    hashes = [shingle_hashes(text, 5) for text in texts]
    removed = _duplicates(texts)
    kept = [index for index in range(len(texts)) if index not in removed]
    for index, duplicate in removed.items():
        assert duplicate.kept in kept
        assert duplicate.similarity == jaccard(hashes[index], hashes[duplicate.kept]) >= 0.7
    close = [
        (left, right)
        for place, left in enumerate(kept)
        for right in kept[place + 1 :]
        if jaccard(hashes[left], hashes[right]) >= 0.75
    ]
    assert close == []
    assert 20 <= len(kept) < len(texts)


def test_the_order_says_which_one_stays() -> None:
    texts = _family(1, 0) * 3
    assert set(_duplicates(texts, [0, 1, 2])) == {1, 2}
    assert set(_duplicates(texts, [2, 0, 1])) == {0, 1}
    assert _duplicates(texts, [1, 2, 0])[0] == Duplicate(1, 1.0)


def test_the_end_of_a_chain_stays_when_it_resembles_nothing_kept() -> None:
    base = [f"w{number}" for number in range(400)]
    middle = [f"x{number}" if number < 50 else word for number, word in enumerate(base)]
    far = [f"y{number}" if number >= 350 else word for number, word in enumerate(middle)]
    texts = [" ".join(text) for text in (base, middle, far)]
    hashes = [shingle_hashes(text, 5) for text in texts]
    assert jaccard(hashes[0], hashes[1]) >= 0.7
    assert jaccard(hashes[1], hashes[2]) >= 0.7
    assert jaccard(hashes[0], hashes[2]) < 0.7
    assert set(_duplicates(texts)) == {1}
    assert set(_duplicates(texts, [1, 0, 2])) == {0, 2}


@pytest.mark.parametrize("size", [2000])
def test_a_large_family_needs_no_recursion(size: int) -> None:
    texts = _family(3, 0) * size
    assert len(_duplicates(texts)) == size - 1
