"""The compiled engine: a batch of texts at a time, on several threads where wanted."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from themis_common.text import kernels
from themis_common.text.engine import Signing, Sketches
from themis_common.text.minhash import permutations_of
from themis_common.text.near_duplicates import Duplicate, ShingleSets
from themis_common.text.shingles import Hashes


class NumbaEngine:
    """See `engine.Engine`.

    Args:
        signing: how signatures are made.
        threads: how many sketch and hash the texts of a batch; results do not depend on it.
    """

    def __init__(self, signing: Signing, threads: int = 1) -> None:
        self._signing = signing
        self._threads = threads
        self._factors, self._summands = permutations_of(signing.permutations, signing.seed)

    def sketch(self, texts: Sequence[bytes]) -> Sketches:
        """Sketch a batch of texts in UTF-8."""
        windows = np.zeros(len(texts), dtype=np.uint32)
        keys = np.empty((len(texts), self._signing.bands), dtype=np.uint64)

        def work(part: slice) -> None:
            kernels.sketch(
                *_end_to_end(texts[part]),
                self._signing.shingle_size,
                self._factors,
                self._summands,
                self._signing.rows,
                windows[part],
                keys[part],
            )

        self._each_part(len(texts), work)
        return Sketches(num_shingles=windows, keys=keys[windows > 0])

    def shingles(self, texts: Sequence[bytes]) -> list[Hashes]:
        """The shingle hashes of each text."""
        found: list[Hashes] = [np.empty(0, dtype=np.uint64)] * len(texts)

        def work(part: slice) -> None:
            data, offsets = _end_to_end(texts[part])
            hashes = np.empty((len(data) + len(offsets)) // 2, dtype=np.uint64)
            starts = kernels.hash_windows(data, offsets, self._signing.shingle_size, hashes)
            for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
                # numpy's sort uses vector instructions, which that of numba does not
                hashes[start:end].sort()
            distinct = kernels.drop_repeats(hashes, starts)
            found[part] = [
                hashes[start : start + number]
                for start, number in zip(starts[:-1].tolist(), distinct.tolist(), strict=True)
            ]

        self._each_part(len(texts), work)
        return found

    def find_duplicates(
        self, groups: NDArray[np.int32], order: Sequence[int], shingles: ShingleSets, threshold: float
    ) -> dict[int, Duplicate]:
        """The texts to remove."""
        if not order:
            return {}
        kept = np.empty(len(order), dtype=np.int64)
        similarities = np.empty(len(order), dtype=np.float64)
        kernels.find_duplicates(
            groups,
            np.array(order, dtype=np.int64),
            shingles.values,
            shingles.starts,
            shingles.ends,
            threshold,
            kept,
            similarities,
        )
        return {
            index: Duplicate(other, similarity)
            for index, other, similarity in zip(order, kept.tolist(), similarities.tolist(), strict=True)
            if other >= 0
        }

    def _each_part(self, number: int, work: Callable[[slice], None]) -> None:
        """Call `work` for parts that make up a batch of `number` texts, on one thread each."""
        borders = [number * part // self._threads for part in range(self._threads + 1)]
        parts = [slice(*pair) for pair in pairwise(borders) if pair[0] < pair[1]]
        if len(parts) <= 1:
            for part in parts:
                work(part)
            return
        with ThreadPoolExecutor(len(parts)) as pool:
            list(pool.map(work, parts))


def _end_to_end(texts: Sequence[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The bytes of all texts, and where each starts, with the end of the last."""
    offsets = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    return np.frombuffer(b"".join(texts), dtype=np.uint8), offsets
