"""The options of the stage."""

from typing import Literal

from themis_common.config import config, option
from themis_common.text.engine import Signing

PUBLISHED_WEIGHT = 0.5
"""With it the published threshold of 0.7 gives 25 bands of 10 rows (facts/dataset.md section 7)."""


@config
class DeduplicateConfig:
    """What counts as a duplicate; the defaults are the published numbers but for the weight."""

    method: Literal["verified", "published"] = option(
        "verified",
        help="verified compares every candidate exactly; published reproduces the published code bit for bit: "
        "blanks are tokens, short texts are one cluster, nothing is verified, false_positive_weight is 0.5",
    )
    compare: Literal["new_contents", "old_contents", "changed_lines"] = option(
        "new_contents",
        help="what is compared: the file after or before the change, or the lines that were removed and added; "
        "with changed_lines several changes of one file can stay",
    )
    keep: Literal["earliest", "longest"] = option(
        "earliest",
        help="which of rows alike stays: the earliest, or the one with the most bytes in the compared text; equals "
        "are settled by time, then by row key",
    )
    threshold: float = option(0.7, help="Jaccard similarity, 0..1, from which two files count as the same")
    shingle_size: int = option(5, help="words in a shingle; shorter files are compared as a whole")
    permutations: int = option(256, help="length of the MinHash signatures")
    seed: int = option(77, help="seed of the permutations")
    false_positive_weight: float = option(
        0.01,
        help="weight of a needless comparison against a missed duplicate when bands are chosen; 0.01 gives 39 "
        "bands of 6 rows and finds 99 % at the threshold, the published 0.5 gives 25 of 10 and finds 51 %",
    )
    engine: Literal["numba", "datasketch"] = option(
        "numba",
        help="what computes the verified method: compiled kernels, or numpy and datasketch; the rows are equal",
        affects_result=False,
    )
    threads: int = option(
        1, help="threads that sign texts, with the numba engine; the rows are equal", affects_result=False
    )

    rows_at_once: int = option(
        2_000_000,
        help="about how many changes one range of band keys, and one part of the components, has to do with; 1.2 kB of "
        "memory each, whatever the number of changes; the rows are equal",
        affects_result=False,
    )

    def __post_init__(self) -> None:
        for name, low, high in (
            ("threshold", 0.1, 1.0),
            ("shingle_size", 1, 100),
            ("permutations", 8, 1024),
            ("seed", 0, 2**32 - 1),
            ("false_positive_weight", 0.0, 1.0),
            ("threads", 1, 256),
            ("rows_at_once", 1, 2**31),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must be from {low} to {high}, found {value}")

    def signing(self) -> Signing:
        """How candidates are found."""
        return Signing.choose(
            threshold=self.threshold,
            shingle_size=self.shingle_size,
            permutations=self.permutations,
            seed=self.seed,
            false_positive_weight=PUBLISHED_WEIGHT
            if self.method == "published"
            else self.false_positive_weight,
        )
