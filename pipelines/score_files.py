"""Scores of several models on one benchmark, from published runs or from datasets of ours, ready for statistics."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from components.evaluation.import_benchmark.stage import STAGE as IMPORT_BENCHMARK
from components.evaluation.import_benchmark.stage import ImportBenchmarkConfig
from components.evaluation.import_scores.stage import MISSING, UNREAD
from components.evaluation.summarise.pairs import BenchmarkPairs, CellScores, read_pairs
from themis_common.datasets.manifest import MANIFEST
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.published_runs.results import Variant
from themis_common.published_runs.scores import ScoreTable, read_score_table
from themis_common.schemas import BENCHMARK, SCORES
from themis_common.stages import run_stage


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """One model's scores under a name, with the number of pairs that failed in each way."""

    name: str
    table: ScoreTable
    failures: Mapping[str, int]


def read_runs(locations: Sequence[str]) -> list[ScoredRun]:
    """The runs at the locations: parquet files of published runs, or datasets of scores.

    Raises:
        UserError: a location holds neither, or two of them have one name.
    """
    runs = [_read_run(location) for location in locations]
    for name, count in Counter(run.name for run in runs).items():
        if count > 1:
            raise UserError(
                f"{count} runs are called {name!r}; put the files into folders of different names"
            )
    return runs


def read_as(run: ScoredRun, variant: Variant) -> ScoredRun:
    """A run as its published form means it.

    In `lmunit` a score of 0 says that nothing could be read, which its file does not tell apart from a score; the other
    forms say so themselves.
    """
    if variant != "lmunit":
        return run
    chosen, rejected = (np.where(side == 0, np.nan, side) for side in (run.table.chosen, run.table.rejected))
    table = replace(run.table, chosen=chosen, rejected=rejected)
    found = int(np.count_nonzero(_unread(table) & ~_unread(run.table)))
    failures = {**run.failures, UNREAD: run.failures.get(UNREAD, 0) + found} if found else run.failures
    return replace(run, table=table, failures=failures)


def _read_run(location: str) -> ScoredRun:
    path = Path(location)
    if "://" in location or (path / MANIFEST).is_file():
        return _read_dataset(location)
    if path.is_dir():
        path = path / "scores.parquet"
    if not path.is_file():
        raise UserError(f"{location} is neither a dataset of scores nor a parquet file; check the path")
    name = path.parent.resolve().name if path.stem == "scores" else path.stem
    table = read_score_table(path)
    count = int(np.count_nonzero(_unread(table)))
    return ScoredRun(name, table, {UNREAD: count} if count else {})


def _unread(table: ScoreTable) -> npt.NDArray[np.bool_]:
    """Which pairs lack a score."""
    unread = np.isnan(table.chosen) | np.isnan(table.rejected)
    return unread if table.parse_failed is None else unread | table.parse_failed


def _read_dataset(location: str) -> ScoredRun:
    rows = list(DatasetReader(location, SCORES).rows())
    if not rows:
        raise UserError(f"{location} holds no score")
    failures = Counter(row["failure"] for row in rows if row["failure"] is not None)

    def side(name: str) -> list[float]:
        return [np.nan if row["failure"] is not None else row[name] for row in rows]

    table = ScoreTable(
        ids=[row["id"] for row in rows],
        aspects=[row["aspect"] for row in rows],
        languages=[row["language"] for row in rows],
        subsets=[row["subset"] for row in rows],
        chosen=np.array(side("chosen_score")),
        rejected=np.array(side("rejected_score")),
    )
    return ScoredRun(rows[0]["cell"], table, failures)


def pairs_of_benchmark(benchmark: str, cluster_by: Literal["prompt", "subset"]) -> BenchmarkPairs:
    """The pairs of a benchmark file, with prompts and lengths.

    Raises:
        UserError: the file is no benchmark.
    """
    with imported_benchmark(benchmark) as reader:
        return read_pairs(reader, cluster_by)


@contextmanager
def imported_benchmark(benchmark: str) -> Iterator[DatasetReader]:
    """A benchmark as a dataset that is gone afterwards.

    Raises:
        UserError: it cannot be read, or is no benchmark.
    """
    with tempfile.TemporaryDirectory() as folder:
        imported = run_stage(IMPORT_BENCHMARK, ImportBenchmarkConfig(benchmark=benchmark), {}, folder)
        yield DatasetReader(imported.uri, BENCHMARK)


def pairs_of_runs(runs: Sequence[ScoredRun], cluster_by: Literal["prompt", "subset"]) -> BenchmarkPairs:
    """The pairs that any of the runs has; without texts, pairs of one prompt are not known as such.

    Raises:
        UserError: two runs disagree on what a pair is about, so they are of different benchmarks.
    """
    known: dict[str, tuple[str, str, str]] = {}
    for run in runs:
        for id_, *about in _descriptions(run.table):
            if known.setdefault(id_, (about[0], about[1], about[2])) != tuple(about):
                raise UserError(
                    f"{run.name}: pair {id_} is {about} here and {list(known[id_])} in a run before"
                )
    ids = list(known)
    criteria, languages, subsets = (list(column) for column in zip(*known.values(), strict=True))
    independent = ids if cluster_by == "prompt" else subsets
    return BenchmarkPairs(
        index={id_: position for position, id_ in enumerate(ids)},
        criteria=criteria,
        languages=languages,
        subsets=subsets,
        clusters=independent,
        problems=independent,
        extra_length=None,
    )


def align(run: ScoredRun, pairs: BenchmarkPairs) -> CellScores:
    """The scores of a run in the order of the benchmark; pairs that it lacks are failures.

    Raises:
        UserError: the run has a pair that the benchmark lacks.
    """
    table = run.table
    chosen = np.full(len(pairs), np.nan)
    rejected = np.full(len(pairs), np.nan)
    unknown = next((id_ for id_ in table.ids if id_ not in pairs.index), None)
    if unknown is not None:
        raise UserError(
            f"{run.name}: pair {unknown} is not in the benchmark; give the benchmark it was scored on"
        )
    positions = np.array([pairs.index[id_] for id_ in table.ids])
    failed = np.zeros(len(table), dtype=bool) if table.parse_failed is None else table.parse_failed
    chosen[positions] = np.where(failed, np.nan, table.chosen)
    rejected[positions] = np.where(failed, np.nan, table.rejected)
    lacking = len(pairs) - len(table)
    return CellScores(chosen, rejected, {**run.failures, **({MISSING: lacking} if lacking else {})})


def _descriptions(table: ScoreTable) -> Iterator[tuple[str, str, str, str]]:
    return zip(table.ids, table.aspects, table.languages, table.subsets, strict=True)
