"""The 51 published runs by the numbers of the fact sheet: our registry, our statistics, and the runs at hand."""

import re

import numpy as np
import pytest

from components.evaluation.import_benchmark.coderewardbench import subsets
from tests.fixtures.shared import shared
from themis_common.architectures.published import published_models
from themis_common.published_runs.scores import read_score_table
from themis_common.statistics import Breakdown, Tally, breakdown

ASPECTS = (
    "Functional_Correctness",
    "Memory_Efficiency",
    "Readability_Maintainability",
    "Runtime_Efficiency",
    "Security_Hardness",
)


def _table(columns: str) -> dict[str, list[str]]:
    """Rows of the first table of the fact sheet with these columns, by the run they are about."""
    lines = iter(shared("facts", "evaluation.md").read_text().splitlines())
    assert any(line == columns for line in lines)
    next(lines)
    rows = {}
    for line in lines:
        if not line.startswith("| "):
            break
        cells = [re.sub(r"\s*\[\w\]", "", cell.strip()) for cell in line.strip("|").split("|")]
        rows[cells[0] if not cells[0].isdigit() else cells[1]] = cells
    return rows


def leaderboard() -> dict[str, list[str]]:
    return _table(
        "| # | run folder | HF repo | script | overall | FC | ME | RM | EE | SH | macro | tie % | tie 1/2 |"
    )


def aggregates() -> dict[str, list[str]]:
    return _table("| run | n | correct | accuracy | mean diff | median diff | std diff |")


def test_there_are_51_of_each_and_the_registry_has_them() -> None:
    assert len(leaderboard()) == len(aggregates()) == 51
    assert {model.run for model in published_models()} == leaderboard().keys() == aggregates().keys()


@pytest.mark.parametrize("run", [model.run for model in published_models()])
def test_numbers_of_a_run_agree_with_each_other_under_our_statistics(run: str) -> None:
    _, _, _, _, overall, *aspects, macro, ties, half = leaderboard()[run]
    _, n, correct, accuracy, *_ = aggregates()[run]
    tied = round(float(ties) / 100 * int(n))
    counts = Tally(total=int(n), correct=int(correct), ties=tied, unscored=0)
    assert round(counts.strict, 4) == float(accuracy)
    assert f"{100 * counts.strict:.2f}" == overall
    assert 100 * counts.half_credit == pytest.approx(float(half), abs=0.011)
    shares = [float(share) for share in aspects]
    assert float(macro) == pytest.approx(sum(shares) / 5, abs=0.011)
    pairs = dict.fromkeys(ASPECTS, 0)
    for subset in subsets().values():
        pairs[subset.aspect] += sum(subset.pairs.values())
    micro = sum(share * pairs[aspect] for share, aspect in zip(shares, ASPECTS, strict=True)) / sum(
        pairs.values()
    )
    # the run that lost four rows has them in its denominators nowhere
    assert micro == pytest.approx(float(overall), abs=0.011 if int(n) == 8866 else 0.05)


def _breakdown(run: str) -> Breakdown:
    table = read_score_table(shared("data", "evaluation_runs", run, "scores.parquet"))
    failed = np.zeros(len(table), dtype=bool) if table.parse_failed is None else table.parse_failed
    return breakdown(
        chosen=np.where(failed, np.nan, table.chosen),
        rejected=table.rejected,
        criteria=table.aspects,
        languages=table.languages,
        subsets=table.subsets,
    )


def test_the_runs_at_hand_have_their_golden_numbers() -> None:
    runs = sorted(path.name for path in shared("data", "evaluation_runs").iterdir())
    assert len(runs) == 12
    for run in runs:
        found = _breakdown(run)
        margins = [found.margins.mean, found.margins.median, found.margins.std]
        assert [
            found.overall.total,
            found.overall.correct,
            round(found.overall.strict, 4),
            *(round(value or 0.0, 4) for value in margins),
        ] == [float(value) for value in aggregates()[run][1:]], run
        _, _, _, _, overall, *aspects, macro, _, _ = leaderboard()[run]
        assert f"{100 * found.overall.strict:.2f}" == overall, run
        assert [f"{100 * found.by_criterion[aspect].strict:.2f}" for aspect in ASPECTS] == aspects, run
        assert 100 * found.macro == pytest.approx(float(macro), abs=0.0051), run
