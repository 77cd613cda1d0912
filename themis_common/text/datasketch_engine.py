"""The engine that defines the results: numpy and datasketch, text by text."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from themis_common.text.engine import Signing, Sketches
from themis_common.text.minhash import band_keys, signature
from themis_common.text.near_duplicates import Duplicate, ShingleSets, find_duplicates
from themis_common.text.shingles import Hashes, shingle_hashes_of_bytes, window_hashes


class DatasketchEngine:
    """See `engine.Engine`."""

    def __init__(self, signing: Signing) -> None:
        self._signing = signing

    def sketch(self, texts: Sequence[bytes]) -> Sketches:
        """Sketch a batch of texts in UTF-8."""
        signing = self._signing
        windows = [window_hashes(text, signing.shingle_size) for text in texts]
        keys = [
            band_keys(
                signature(np.unique(each), signing.permutations, signing.seed), signing.bands, signing.rows
            )
            for each in windows
            if len(each)
        ]
        return Sketches(
            num_shingles=np.array([len(each) for each in windows], dtype=np.uint32),
            keys=np.array(keys, dtype=np.uint64).reshape(-1, signing.bands),
        )

    def shingles(self, texts: Sequence[bytes]) -> list[Hashes]:
        """The shingle hashes of each text."""
        return [shingle_hashes_of_bytes(text, self._signing.shingle_size) for text in texts]

    def find_duplicates(
        self, groups: NDArray[np.int32], order: Sequence[int], shingles: ShingleSets, threshold: float
    ) -> dict[int, Duplicate]:
        """The texts to remove."""
        return find_duplicates(groups, order, shingles.__getitem__, threshold)
