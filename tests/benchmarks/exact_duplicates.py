"""The truth about near-duplicates: exact Jaccard similarity of all pairs of documents, from one sparse product."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from tests.fixtures.word_shingles import ngrams, words


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is wrong with a set of removed documents.

    Attributes:
        removed: how many.
        false: removed without any document at or above the threshold.
        residual: kept although another kept document is at or above the threshold.
    """

    removed: int
    false: int
    residual: int


class ExactDuplicates:
    """All pairs of `documents` whose sets of word shingles have at least this similarity."""

    def __init__(self, documents: list[str], shingle_size: int, threshold: float) -> None:
        numbers: dict[tuple[str, ...], int] = {}
        columns, starts = [], [0]
        for document in documents:
            shingles = set(ngrams(words(document), shingle_size))
            columns += [numbers.setdefault(shingle, len(numbers)) for shingle in shingles]
            starts.append(len(columns))
        sizes = np.diff(starts)
        matrix = csr_matrix(
            (np.ones(len(columns), np.int32), np.array(columns), np.array(starts)),
            shape=(len(documents), len(numbers)),
        )
        shared = (matrix @ matrix.T).tocoo()
        union = sizes[shared.row] + sizes[shared.col] - shared.data
        alike = (shared.data >= threshold * union) & (shared.row != shared.col)
        self._neighbours: list[set[int]] = [set() for _ in documents]
        for left, right in zip(shared.row[alike].tolist(), shared.col[alike].tolist(), strict=True):
            self._neighbours[left].add(right)

    def judge(self, removed: Collection[int]) -> Verdict:
        """Compare a set of removed documents with the truth."""
        gone = set(removed)
        return Verdict(
            removed=len(gone),
            false=sum(not self._neighbours[number] for number in gone),
            residual=sum(
                bool(neighbours - gone)
                for number, neighbours in enumerate(self._neighbours)
                if number not in gone
            ),
        )
