"""A benchmark and the scores of a cell as columns: what statistics are computed from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.stages import UnitOutput
from themis_common.statistics.accuracy import FloatArray

ClusterBy = Literal["prompt", "subset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkPairs:
    """The benchmark without its texts; one entry per pair in all columns.

    Attributes:
        index: position by id.
        clusters: what the bootstrap draws.
        problems: what accuracies and p-values count: every pair by itself, or subsets.
        extra_length: (pairs,) characters of the chosen response minus those of the rejected one; None where the
            texts are not at hand.
    """

    index: Mapping[str, int]
    criteria: list[str]
    languages: list[str]
    subsets: list[str]
    clusters: list[str]
    problems: list[str]
    extra_length: npt.NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, slots=True)
class CellScores:
    """One cell: scores, float64 (pairs,) with NaN where there is none, and how often each failure occurred."""

    chosen: FloatArray
    rejected: FloatArray
    failures: Mapping[str, int]

    @property
    def any_pair(self) -> bool:
        """Whether any pair has both scores."""
        return not (np.isnan(self.chosen) | np.isnan(self.rejected)).all()


def read_pairs(benchmark: DatasetReader, cluster_by: ClusterBy) -> BenchmarkPairs:
    """The columns of a BENCHMARK dataset."""
    rows = [
        (
            row["id"],
            row["aspect"],
            row["language"],
            row["subset"],
            row_key(row["prompt"]),
            len(row["chosen"]) - len(row["rejected"]),
        )
        for row in benchmark.rows(
            columns=["id", "prompt", "chosen", "rejected", "aspect", "language", "subset"]
        )
    ]
    ids, criteria, languages, subsets, prompts, extra = (list(column) for column in zip(*rows, strict=True))
    return BenchmarkPairs(
        index={id_: position for position, id_ in enumerate(ids)},
        criteria=criteria,
        languages=languages,
        subsets=subsets,
        # pairs that share a prompt share much of what decides them
        clusters=prompts if cluster_by == "prompt" else subsets,
        problems=ids if cluster_by == "prompt" else subsets,
        extra_length=np.array(extra, dtype=np.int64),
    )


def read_scores(scores: DatasetReader, pairs: BenchmarkPairs, output: UnitOutput) -> CellScores:
    """The scores of a SCORES dataset, accounted for in `output`.

    Raises:
        UserError: the scores are of another benchmark.
    """
    chosen = np.full(len(pairs), np.nan)
    rejected = np.full(len(pairs), np.nan)
    failures: dict[str, int] = {}
    count = 0
    for row in scores.rows():
        output.read([row["row_key"]])
        output.consume([row["row_key"]])
        if row["id"] not in pairs.index:
            raise UserError(
                f"{scores.uri}: id {row['id']!r} is not in the benchmark; score the cell on this benchmark"
            )
        position = pairs.index[row["id"]]
        count += 1
        if row["failure"] is not None:
            failures[row["failure"]] = failures.get(row["failure"], 0) + 1
            continue
        chosen[position], rejected[position] = row["chosen_score"], row["rejected_score"]
    if count != len(pairs):
        raise UserError(
            f"{scores.uri} has {count} of the benchmark's {len(pairs)} pairs; score the cell on this benchmark"
        )
    return CellScores(chosen, rejected, failures)
