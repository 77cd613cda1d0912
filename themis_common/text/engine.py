"""The engines of near-deduplication: signatures, shingles and verification for many texts at once.

There are two, with equal results: `datasketch` (numpy and datasketch, the definition) and `numba` (compiled, many
times faster).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from themis_common.errors import UserError
from themis_common.text.minhash import choose_bands
from themis_common.text.near_duplicates import Duplicate, ShingleSets
from themis_common.text.shingles import Hashes

EngineName = Literal["numba", "datasketch"]


@dataclass(frozen=True, kw_only=True)
class Signing:
    """How signatures are made: words in a shingle, permutations and their seed, bands and rows in a band."""

    shingle_size: int
    permutations: int
    seed: int
    bands: int
    rows: int

    @classmethod
    def choose(
        cls,
        *,
        threshold: float,
        shingle_size: int,
        permutations: int,
        seed: int,
        false_positive_weight: float,
    ) -> "Signing":
        """With the bands and rows that serve `threshold` best."""
        bands, rows = choose_bands(threshold, permutations, false_positive_weight=false_positive_weight)
        return cls(shingle_size=shingle_size, permutations=permutations, seed=seed, bands=bands, rows=rows)


@dataclass(frozen=True)
class Sketches:
    """What is kept of the texts of a batch.

    Attributes:
        num_shingles: how many each text has, repetitions included, shape (texts,); those with none have no signature.
        keys: band keys of the texts that have a signature, in order: shape (signed, bands).
    """

    num_shingles: NDArray[np.uint32]
    keys: NDArray[np.uint64]


class Sketcher(Protocol):
    """Whatever makes sketches of texts."""

    def sketch(self, texts: Sequence[bytes]) -> Sketches:
        """Sketch a batch of texts in UTF-8."""
        ...


class Engine(Sketcher, Protocol):
    """What finds near-duplicates, with one signing."""

    def shingles(self, texts: Sequence[bytes]) -> list[Hashes]:
        """The shingle hashes of each text, as `shingles.shingle_hashes` defines them."""
        ...

    def find_duplicates(
        self, groups: NDArray[np.int32], order: Sequence[int], shingles: ShingleSets, threshold: float
    ) -> dict[int, Duplicate]:
        """The texts to remove, as `near_duplicates.find_duplicates` defines them."""
        ...


def open_engine(name: EngineName, signing: Signing, threads: int = 1) -> Engine:
    """The engine of that name; `threads` is for the compiled one.

    Raises:
        UserError: the package is not installed.
    """
    if name == "datasketch":
        from themis_common.text.datasketch_engine import DatasketchEngine

        return DatasketchEngine(signing)
    try:
        from themis_common.text.numba_engine import NumbaEngine
    except ModuleNotFoundError as error:
        raise UserError(
            f"engine numba: the package {error.name} is not installed; install the extra `data` or set "
            "engine: datasketch"
        ) from error
    return NumbaEngine(signing, threads)
