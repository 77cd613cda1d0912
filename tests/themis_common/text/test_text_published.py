"""The published near-deduplication, bit for bit: the oracle of facts/dataset.md section 18.3."""

import numpy as np
import pytest
from datasketch.hashfunc import sha1_hash32

from themis_common.text.engine import Signing
from themis_common.text.near_duplicates import band_groups
from themis_common.text.published import (
    PublishedSketcher,
    published_clusters,
    published_shingles,
    published_signature,
    published_tokens,
)

NUMBERS = " ".join(str(number) for number in range(100))


def signed(text: str) -> list[int]:
    values: list[int] = published_signature(published_shingles(text, 5), 256, 77).tolist()
    return values


def test_every_single_separator_splits() -> None:
    assert published_tokens("foo(bar, baz)\n") == ["foo", "bar", "", "baz", "", ""]
    tokens = published_tokens("def f(x):\n    return x+1")
    assert tokens == ["def", "f", "x", *[""] * 6, "return", "x", "1"]
    assert published_tokens("caf\u00e9") == ["caf", ""]


def test_shingles_are_joined_windows_of_blanks_too() -> None:
    assert published_shingles("def f(x):", 5) == {b"def f x  "}
    assert published_shingles("a b c d", 5) == published_shingles("a b c d", 2) == set()
    assert published_shingles("a b c d e", 20) == set()
    assert published_shingles("a b c a b c", 2) == {b"a b", b"b c", b"c a"}


@pytest.mark.parametrize(
    ("shingle", "value"),
    [("a b c d e", 3064173959), ("0 1 2 3 4", 4276022658), ("def f x  ", 3429231219)],
)
def test_a_shingle_is_hashed_by_the_first_bytes_of_its_sha1(shingle: str, value: int) -> None:
    assert sha1_hash32(shingle.encode()) == value


def test_signatures_are_the_published_ones() -> None:
    assert signed("a b c d e")[:10] == [
        1831463030, 2546702510, 2840474511, 373810888, 3541341550,
        3489016162, 449285689, 328994476, 3779281436, 818304792,
    ]  # fmt: skip
    numbers = signed(NUMBERS)
    assert numbers[:10] == [
        707092, 45002771, 26899310, 10944208, 84524714, 49036868, 62347185, 4874281, 65096482, 88503588,
    ]  # fmt: skip
    assert numbers[240:250] == [
        11965078, 26392014, 15916111, 10960929, 31448628, 1644295, 15122452, 76955394, 6256904, 68184905,
    ]  # fmt: skip


def test_texts_without_shingles_share_the_largest_signature() -> None:
    assert signed("x = 1") == signed("") == [2**32 - 1] * 256


def test_long_texts_are_signed_in_slices_without_a_difference() -> None:
    texts = [" ".join(f"{part}x{number}" for number in range(3000)) for part in range(3)]
    sets = [published_shingles(text, 5) for text in texts]
    whole = published_signature(set().union(*sets), 256, 77)
    parts = [published_signature(each, 256, 77) for each in sets]
    assert whole.tolist() == np.minimum.reduce(parts).tolist()


@pytest.mark.parametrize(("changed", "shared"), [(1, 23), (4, 11), (8, 4), (16, 0), (48, 0)])
def test_replaced_tokens_leave_the_known_number_of_bands(changed: int, shared: int) -> None:
    tokens = [str(number) for number in range(400)]
    copy = list(tokens)
    for number in range(changed):
        copy[400 // changed * number + 2] = f"z{number}"
    sketcher = PublishedSketcher(Signing(shingle_size=5, permutations=256, seed=77, bands=25, rows=10))
    left, right = sketcher.sketch([" ".join(tokens).encode(), " ".join(copy).encode()]).keys
    assert int((left == right).sum()) == shared


def test_clusters_chain_and_the_first_in_order_stays() -> None:
    keys = np.array([[1, 8], [2, 9], [2, 8], [3, 7], [4, 7], [5, 6]], dtype=np.uint64)
    groups = band_groups(keys)
    assert published_clusters(groups, [0, 1, 2, 3, 4, 5]) == {1: 0, 2: 0, 4: 3}
    assert published_clusters(groups, [5, 4, 3, 2, 1, 0]) == {1: 2, 0: 2, 3: 4}


def test_clusters_of_nothing_are_none() -> None:
    assert published_clusters(np.empty((0, 25), dtype=np.int32), []) == {}
    assert published_clusters(np.full((2, 25), -1, dtype=np.int32), [1, 0]) == {}
