"""The compiled engine against the one that defines the results."""

import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from themis_common.errors import UserError
from themis_common.text.engine import EngineName, Signing, open_engine
from themis_common.text.near_duplicates import ALONE, ShingleSets, band_groups
from themis_common.text.shingles import shingle_hashes

ENGINES: tuple[EngineName, ...] = ("numba", "datasketch")


def signing(**values: Any) -> Signing:
    return Signing(**{"shingle_size": 5, "permutations": 256, "seed": 77, "bands": 39, "rows": 6} | values)


def corpus(seed: int) -> list[bytes]:
    """Families of near-duplicates of all lengths, some too short for a shingle, with all kinds of separators."""
    rng = random.Random(seed)
    texts = ["", "a", "a b c d", "a b c d e", "\u00e9\u2603 \U0001f600", "x" * 5000]
    for _ in range(30):
        base = [f"w{rng.randrange(50)}" for _ in range(rng.choice((4, 5, 6, 30, 300)))]
        for _ in range(rng.randrange(1, 6)):
            changed = rng.choice((0.0, 0.005, 0.05))
            copy = [word if rng.random() > changed else f"q{rng.randrange(9)}" for word in base]
            texts.append(rng.choice((" ", "\n\t", "\u00e9(", "; ")).join(copy) + rng.choice(("", " ", "\n")))
    rng.shuffle(texts)
    return [text.encode() for text in texts]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"shingle_size": 1},
        {"shingle_size": 20, "bands": 20, "rows": 12},
        {"permutations": 16, "bands": 4, "rows": 4},
    ],
    ids=str,
)
def test_engines_agree_on_everything(seed: int, values: dict[str, Any], tmp_path: Path) -> None:
    signed = signing(**values)
    texts = corpus(seed)
    found = []
    for name in ENGINES:
        engine = open_engine(name, signed)
        sketches, sets = engine.sketch(texts), engine.shingles(texts)
        has_signature = np.flatnonzero(sketches.num_shingles)
        assert has_signature.tolist() == [number for number, values in enumerate(sets) if len(values)]
        groups = band_groups(sketches.keys)
        shingles = ShingleSets(sketches.num_shingles[has_signature], tmp_path / name)
        shingles.fill(range(len(has_signature)), [values for values in sets if len(values)])
        order = np.flatnonzero((groups != ALONE).any(axis=1)).tolist()
        random.Random(seed).shuffle(order)
        removed = engine.find_duplicates(groups, order, shingles, 0.7)
        found.append(
            (
                sketches.num_shingles.tolist(),
                sketches.keys.tolist(),
                [values.tolist() for values in sets],
                removed,
            )
        )
    assert found[0] == found[1]
    assert len(found[0][3]) > 5


_TEXT = st.text(alphabet="ab_1 (\n\u00e9\u2603\U0001f600", max_size=60)


@settings(max_examples=100, deadline=None)
@given(st.lists(_TEXT, max_size=5), st.integers(1, 6), st.integers(1, 3))
def test_any_texts_give_the_same_numbers(texts: list[str], size: int, threads: int) -> None:
    signed = signing(shingle_size=size, permutations=16, bands=4, rows=4)
    data = [text.encode() for text in texts]
    numba, datasketch = (open_engine(name, signed, threads) for name in ENGINES)
    assert numba.sketch(data).keys.tolist() == datasketch.sketch(data).keys.tolist()
    assert [values.tolist() for values in numba.shingles(data)] == [
        shingle_hashes(text, size).tolist() for text in texts
    ]


@pytest.mark.parametrize("threads", [2, 3, 500])
def test_threads_change_nothing(threads: int) -> None:
    texts = corpus(9)
    one, many = open_engine("numba", signing()), open_engine("numba", signing(), threads)
    assert many.sketch(texts).keys.tolist() == one.sketch(texts).keys.tolist()
    assert [values.tolist() for values in many.shingles(texts)] == [
        values.tolist() for values in one.shingles(texts)
    ]


@pytest.mark.parametrize("name", ENGINES)
def test_no_texts_are_no_sketches(name: EngineName) -> None:
    engine = open_engine(name, signing())
    assert engine.sketch([]).keys.shape == (0, 39)
    assert engine.shingles([]) == []
    assert engine.sketch([b""]).num_shingles.tolist() == [0]


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "themis_common.text.numba_engine", raising=False)
    monkeypatch.delitem(sys.modules, "themis_common.text.kernels", raising=False)
    monkeypatch.delattr("themis_common.text.kernels", raising=False)
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(UserError, match="numba is not installed.*engine: datasketch"):
        open_engine("numba", signing())


def test_kernels_compile_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A file where the cache folders would be: nobody can write there, not even root."""
    blocked = tmp_path / "file"
    blocked.touch()
    program = (
        "import themis_common.text.kernels as kernels\n"
        "import numpy as np\n"
        "words = np.empty(9, np.uint64)\n"
        "print(kernels._hash_text(np.frombuffer(b'a b c', np.uint8), 2, words, np.empty(9, np.uint64)))\n"
    )
    places = {"NUMBA_CACHE_DIR": f"{blocked}/cache", "HOME": str(blocked), "XDG_CACHE_HOME": f"{blocked}/x"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | places | {"NUMBA_CACHE_LOCATOR_CLASSES": "UserProvidedCacheLocator"},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.returncode) == ("2\n", 0), done.stderr
