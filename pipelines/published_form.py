"""Scores of ours in the two files of a published run."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from themis_common.datasets.reader import DatasetReader
from themis_common.published_runs.results import results_json
from themis_common.published_runs.scores import ScoreTable, write_score_table
from themis_common.schemas import BENCHMARK, SCORES


@dataclass(frozen=True, slots=True)
class PublishedForm:
    """Where the two files are."""

    scores: Path
    results: Path


def write_published_form(scores: str, benchmark: str, folder: Path) -> PublishedForm:
    """Write `scores.parquet` and `results.json`.

    Pairs that could not be scored take the form in which one published family of models records them (`r3`): counted
    as wrong, left out of the differences. Where there is none the form is that of all other models.

    Args:
        scores: location of a SCORES dataset.
        benchmark: location of the BENCHMARK dataset, whose order the rows take.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = published_table(scores, benchmark)
    form = PublishedForm(folder / "scores.parquet", folder / "results.json")
    write_score_table(table, form.scores)
    form.results.write_text(results_json(table, "base" if table.parse_failed is None else "r3"))
    return form


def published_table(scores: str, benchmark: str) -> ScoreTable:
    """The columns of a published run, in the order of the benchmark."""
    by_id = {row["id"]: row for row in DatasetReader(scores, SCORES).rows()}
    rows = [by_id[row["id"]] for row in DatasetReader(benchmark, BENCHMARK).rows(columns=["id"])]
    failed = np.array([row["failure"] is not None for row in rows])
    return ScoreTable(
        ids=[row["id"] for row in rows],
        aspects=[row["aspect"] for row in rows],
        languages=[row["language"] for row in rows],
        subsets=[row["subset"] for row in rows],
        chosen=np.array([row["chosen_score"] for row in rows], dtype=np.float64),
        rejected=np.array([row["rejected_score"] for row in rows], dtype=np.float64),
        parse_failed=failed if failed.any() else None,
    )
