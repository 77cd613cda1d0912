"""Work on the whole dataset cut into parts by ranges of 64-bit numbers: keys, or digests of contents."""

import numpy as np
from numpy.typing import NDArray

from components.dataset.deduplicate.config import DeduplicateConfig
from themis_common.stages import Context

Numbers = NDArray[np.uint64]


def plan_parts(context: Context[DeduplicateConfig]) -> list[str]:
    """So many parts `i/n` that one has to do with `rows_at_once` changes, more or less; none for no changes."""
    parts = -(-context.inputs["signatures"].manifest.rows // context.config.rows_at_once)
    return [f"{part}/{parts}" for part in range(parts)]


def in_part(numbers: Numbers, part: str) -> NDArray[np.bool_]:
    """Which numbers are in the part `i/n`, one of n ranges of equal size."""
    wanted, parts = (np.uint64(text) for text in part.split("/"))
    inside: NDArray[np.bool_] = ((numbers >> np.uint64(32)) * parts) >> np.uint64(32) == wanted
    return inside
