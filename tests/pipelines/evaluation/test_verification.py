"""Comparing scores with published ones: what counts as the same model, and drawing the sample."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pipelines.single_evaluation import EvaluationRequest
from pipelines.verification import compare, verify
from tests.components.evaluation.builders import ROWS, write_parquet
from themis_common.errors import UserError
from themis_common.published_runs.scores import ScoreTable, write_score_table

PAIRS = 200
_DRAWS = np.random.default_rng(3).normal(size=(2, PAIRS))
PUBLISHED = ScoreTable(
    ids=[f"id{number}" for number in range(PAIRS)],
    aspects=["Functional_Correctness"] * PAIRS,
    languages=["Python"] * PAIRS,
    subsets=["S"] * PAIRS,
    chosen=_DRAWS[0],
    rejected=_DRAWS[1],
)
LENGTHS = ScoreTable(
    ids=[row["id"] for row in ROWS],
    aspects=[row["aspect"] for row in ROWS],
    languages=[row["language"] for row in ROWS],
    subsets=[row["subset"] for row in ROWS],
    chosen=np.array([float(len(row["chosen"])) for row in ROWS]),
    rejected=np.array([float(len(row["rejected"])) for row in ROWS]),
)


_COLUMNS = [field for field in dataclasses.fields(ScoreTable) if field.name != "parse_failed"]


def _noisy(noise: float) -> ScoreTable:
    generator = np.random.default_rng(4)
    chosen, rejected = (
        side + noise * generator.normal(size=PAIRS) for side in (PUBLISHED.chosen, PUBLISHED.rejected)
    )
    return dataclasses.replace(PUBLISHED, chosen=chosen, rejected=rejected)


def test_rounding_agrees_and_another_model_does_not() -> None:
    close = compare(_noisy(0.02), PUBLISHED)
    assert close.objections() == []
    assert close.compared == PAIRS
    assert close.relative_difference == pytest.approx(0.02 * 0.6745 / np.sqrt(2), rel=0.3)
    far = compare(_noisy(1.0), PUBLISHED)
    assert len(far.objections()) == 3


def test_a_shift_is_seen_though_everything_correlates() -> None:
    shifted = dataclasses.replace(PUBLISHED, chosen=PUBLISHED.chosen + 1, rejected=PUBLISHED.rejected + 1)
    found = compare(shifted, PUBLISHED)
    assert found.correlation == pytest.approx(1)
    assert found.agreement == 1
    assert found.objections() == ["half of the scores differ by more than 0.1 of the spread"]


def test_gaps_are_not_passed_over() -> None:
    chosen = PUBLISHED.chosen.copy()
    chosen[:30] = np.nan
    found = compare(dataclasses.replace(PUBLISHED, chosen=chosen), PUBLISHED)
    assert found.compared == 170
    assert found.objections() == ["only 170 of 200 pairs have scores on both sides here and there"]
    nothing = dataclasses.replace(PUBLISHED, chosen=np.full(PAIRS, np.nan))
    # what cannot be computed is no finding about the model
    assert compare(nothing, PUBLISHED).objections() == [
        "only 0 of 200 pairs have scores on both sides here and there"
    ]
    one = dataclasses.replace(LENGTHS, **{field.name: getattr(LENGTHS, field.name)[:1] for field in _COLUMNS})
    assert len(compare(one, LENGTHS).objections()) == 1


def _verify(folder: Path, table: ScoreTable, rows: int, seed: int = 7) -> list[str]:
    folder.mkdir()
    write_score_table(table, folder / "scores.parquet")
    benchmark = write_parquet(folder / "bench.parquet", ROWS)
    request = EvaluationRequest(benchmark=str(benchmark), architecture="longer-response")
    found = verify(
        request,
        folder / "scores.parquet",
        rows=rows,
        seed=seed,
        output=folder / "run",
        show=lambda event: None,
    )
    assert found.sampled == min(rows, len(table))
    return found.objections()


def test_a_sample_is_scored_and_compared(tmp_path: Path) -> None:
    assert _verify(tmp_path / "whole", LENGTHS, rows=100) == []
    assert _verify(tmp_path / "some", LENGTHS, rows=5) == []
    wrong = dataclasses.replace(LENGTHS, chosen=LENGTHS.rejected, rejected=LENGTHS.chosen)
    assert _verify(tmp_path / "wrong", wrong, rows=8) != []


def test_seeds_draw_and_a_seed_draws_again(tmp_path: Path) -> None:
    def drawn(name: str, seed: int) -> bytes:
        _verify(tmp_path / name, LENGTHS, rows=4, seed=seed)
        return (tmp_path / name / "run" / "sample.parquet").read_bytes()

    assert drawn("a", 1) == drawn("b", 1) != drawn("c", 2)


def test_scores_of_another_benchmark_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no pair of the benchmark has a published score"):
        _verify(tmp_path / "other", PUBLISHED, rows=5)


def test_a_model_that_cannot_be_scored_is_a_user_error(tmp_path: Path) -> None:
    write_score_table(LENGTHS, tmp_path / "scores.parquet")
    benchmark = write_parquet(tmp_path / "bench.parquet", ROWS)
    unserved = EvaluationRequest(benchmark=str(benchmark), architecture="r3")
    with pytest.raises(UserError, match="cell r3: architecture r3 needs a model"):
        verify(
            unserved,
            tmp_path / "scores.parquet",
            rows=8,
            seed=7,
            output=tmp_path / "run",
            show=lambda event: None,
        )
