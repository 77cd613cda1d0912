"""Signatures and bands against datasketch and against the published table."""

import numpy as np
import pytest
from datasketch import MinHash

from themis_common.text.minhash import band_keys, choose_bands, signature
from themis_common.text.shingles import jaccard, shingle_hashes

TEXT = " ".join(f"word{number % 190}" for number in range(200))


@pytest.mark.parametrize(
    ("threshold", "permutations", "bands", "rows"),
    [
        (0.7, 256, 25, 10),
        (0.75, 256, 21, 12),
        (0.8, 256, 17, 15),
        (0.85, 256, 13, 19),
        (0.7, 128, 14, 9),
        (0.75, 128, 11, 11),
        (0.5, 128, 25, 5),
        (0.5, 64, 14, 4),
    ],
)
def test_bands_and_rows_are_those_of_the_published_table(
    threshold: float, permutations: int, bands: int, rows: int
) -> None:
    """facts/dataset.md section 18.3."""
    assert choose_bands(threshold, permutations) == (bands, rows)


def test_a_low_weight_of_false_positives_misses_less() -> None:
    bands, rows = choose_bands(0.7, 256, false_positive_weight=0.01)
    found = 1 - (1 - 0.7**rows) ** bands
    assert (bands, rows) == (39, 6)
    assert found > 0.99


def test_the_signature_is_the_one_that_datasketch_computes() -> None:
    hashes = shingle_hashes(TEXT, 5)
    reference = MinHash(num_perm=64, seed=77, hashfunc=int, scheme="affine32")
    for value in hashes.tolist():
        reference.update(value & 0xFFFFFFFF)
    assert signature(hashes, 64, 77).tolist() == reference.hashvalues.tolist()


def test_one_signature_does_not_touch_the_next() -> None:
    hashes = shingle_hashes(TEXT, 5)
    before = signature(hashes, 64, 77).tolist()
    signature(shingle_hashes("other words than those in the text above", 5), 64, 77)
    assert signature(hashes, 64, 77).tolist() == before
    assert signature(hashes, 64, 78).tolist() != before


def test_long_texts_are_hashed_in_slices_without_a_difference() -> None:
    long = shingle_hashes(" ".join(str(number) for number in range(10_000)), 5)
    parts = [signature(part, 32, 77) for part in np.array_split(long, 3)]
    assert signature(long, 32, 77).tolist() == np.minimum.reduce(parts).tolist()


def test_signatures_estimate_the_similarity() -> None:
    left = shingle_hashes(" ".join(str(number) for number in range(1000)), 5)
    right = shingle_hashes(" ".join(str(number) for number in range(200, 1200)), 5)
    estimate = float(np.mean(signature(left, 256, 77) == signature(right, 256, 77)))
    assert estimate == pytest.approx(jaccard(left, right), abs=0.1)


def test_band_keys_are_equal_exactly_where_the_bands_are() -> None:
    left = np.arange(20, dtype=np.uint32)
    right = left.copy()
    right[7] += 1
    equal = band_keys(left, 4, 5) == band_keys(right, 4, 5)
    assert equal.tolist() == [True, False, True, True]
    assert band_keys(left, 3, 5).shape == (3,)
