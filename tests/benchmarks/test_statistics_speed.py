"""Statistics of score files: CPU seconds from files to all numbers, of one published run and of a leaderboard of 51.

The 12 published runs at hand (8,866 pairs) are made 51 by adding noise to copies, so that no two are equal.
Everything is computed: accuracies with intervals in every group, ranks from 1,275 corrected McNemar tests,
calibration, and 50 bootstrapped differences of 10,000 resamples; only length bias is not, for want of the texts.

How to read it: seconds are CPU seconds; there is no peer, the published scripts compute accuracies and nothing else.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.aggregate import RunStatistics, aggregate_runs
from pipelines.score_files import ScoredRun, read_runs
from tests.benchmarks.measure import interleaved, timed
from tests.benchmarks.report import Report, Table, at_most
from tests.fixtures.shared import shared

pytestmark = pytest.mark.slow

ONE_RUN, ALL_RUNS = 2.0, 10.0
"""Targets in CPU seconds."""
NUM_RUNS = 51
_SLACK = 2


def _statistics(runs: list[ScoredRun]) -> RunStatistics:
    return aggregate_runs(runs, benchmark=None, reference="", cluster_by="prompt")


def _copies(runs: list[ScoredRun], number: int) -> list[ScoredRun]:
    """The runs and noisy copies of them."""
    generator = np.random.default_rng(7)
    copies = list(runs)
    while len(copies) < number:
        source = runs[len(copies) % len(runs)]
        spread = float(np.nanstd(source.table.chosen))
        noise = generator.normal(scale=0.3 * spread, size=len(source.table))
        table = replace(source.table, chosen=source.table.chosen + noise)
        copies.append(ScoredRun(f"{source.name}-{len(copies)}", table, source.failures))
    return copies


def _paths(folder: Path) -> list[str]:
    return [str(path) for path in sorted(folder.iterdir())]


def test_statistics(report: Report) -> None:
    paths = _paths(shared("data", "evaluation_runs"))
    many = _copies(read_runs(paths), NUM_RUNS)
    one = next(path for path in paths if path.endswith("Themis-RM-8B"))
    _statistics(many[:2])  # imports and caches
    found = interleaved(
        {
            "one": timed(lambda: _statistics(read_runs([one]))),
            "all": timed(lambda: _statistics(many)),
        },
        repetitions=2,
    )
    seconds = {name: sample.cpu for name, sample in found.items()}
    report.add(
        Table(
            title="Statistics of published runs, 8,866 pairs each",
            columns=("runs", "numbers", "CPU seconds"),
            rows=[
                ("1, from its file", f"{len(found['one'].result.rows):,}", at_most(seconds["one"], ONE_RUN)),
                (f"{NUM_RUNS}", f"{len(found['all'].result.rows):,}", at_most(seconds["all"], ALL_RUNS)),
            ],
        )
    )
    assert len(found["all"].result.report.leaderboard.rows) == NUM_RUNS
    assert seconds["one"] < _SLACK * ONE_RUN
    assert seconds["all"] < _SLACK * ALL_RUNS
