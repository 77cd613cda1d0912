"""Tallies and breakdowns: hand-checked vector, invariants, and the published runs where they are at hand."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.fixtures.shared import shared
from themis_common.statistics import Breakdown, breakdown, credit, margins, tally

NAN = float("nan")

# (aspect, language, subset, chosen, rejected): eight rows with two ties and two unscored pairs.
HAND_ROWS = [
    ("FC", "Python", "S1", 2.0, 1.0),
    ("FC", "Python", "S1", 1.0, 1.0),
    ("FC", "Go", "S1", 0.5, 1.5),
    ("ME", "C", "S2", 3.0, -1.0),
    ("ME", "C", "S2", NAN, 1.0),
    ("ME", "Go", "S2", 2.0, NAN),
    ("ME", "Go", "S2", 0.0, -2.5),
    ("SH", "C", "S3", 4.0, 4.0),
]


def _breakdown(rows: list[tuple[str, str, str, float, float]]) -> Breakdown:
    aspects, languages, subsets, chosen, rejected = zip(*rows, strict=True)
    return breakdown(
        chosen=np.array(chosen),
        rejected=np.array(rejected),
        criteria=aspects,
        languages=languages,
        subsets=subsets,
    )


def test_hand_checked_vector() -> None:
    result = _breakdown(HAND_ROWS)
    overall = result.overall
    assert (overall.total, overall.correct, overall.ties, overall.unscored) == (8, 3, 2, 2)
    assert overall.strict == 0.375
    assert overall.half_credit == 0.5
    assert overall.tie_excluded == 0.5
    assert overall.coverage == 0.75
    assert result.margins.scored == 6
    assert round(result.margins.mean or 0, 4) == 1.0833
    assert result.margins.median == 0.5
    assert round(result.margins.std or 0, 4) == 1.8552
    assert {k: (round(t.strict, 4), t.total) for k, t in result.by_criterion.items()} == {
        "FC": (0.3333, 3),
        "ME": (0.5, 4),
        "SH": (0.0, 1),
    }
    assert {k: (round(t.strict, 4), t.total) for k, t in result.by_language.items()} == {
        "C": (0.3333, 3),
        "Go": (0.3333, 3),
        "Python": (0.5, 2),
    }
    assert round(result.macro, 4) == 0.2778


def test_row_order_changes_no_digit() -> None:
    generator = np.random.default_rng(3)
    rows = [
        (f"A{i % 5}", f"L{i % 8}", f"S{i % 19}", float(a), float(b))
        for i, (a, b) in enumerate(generator.normal(scale=1e3, size=(500, 2)))
    ]
    shuffled = [rows[i] for i in generator.permutation(len(rows))]
    assert _breakdown(shuffled) == _breakdown(rows)


def test_tie_policies_are_ordered_and_swapping_the_sides_mirrors_them() -> None:
    generator = np.random.default_rng(4)
    chosen, rejected = generator.integers(0, 4, size=(2, 300)).astype(float)
    forward, mirrored = tally(chosen, rejected), tally(rejected, chosen)
    tie_rate = forward.ties / forward.total
    assert forward.ties > 0
    assert forward.strict <= forward.half_credit <= forward.strict + tie_rate
    assert forward.tie_excluded == pytest.approx(forward.strict / (1 - tie_rate))
    assert mirrored.strict == pytest.approx(1 - forward.strict - tie_rate)
    assert tally(-chosen, -rejected) == mirrored
    assert tally(3 * chosen + 1, 3 * rejected + 1) == forward


def test_a_larger_scale_scales_the_margins() -> None:
    chosen, rejected = np.random.default_rng(5).normal(size=(2, 101))
    plain, scaled = margins(chosen, rejected), margins(3 * chosen + 1, 3 * rejected + 1)
    for name in ("mean", "median", "std"):
        assert getattr(scaled, name) == pytest.approx(3 * getattr(plain, name))


def test_a_criterion_is_the_weighted_mean_of_its_subsets() -> None:
    result = _breakdown([*HAND_ROWS, ("FC", "C", "S4", 2.0, 1.0)])
    subsets = [result.by_subset[name] for name in ("S1", "S4")]
    weighted = sum(one.strict * one.total for one in subsets) / sum(one.total for one in subsets)
    assert result.by_criterion["FC"].strict == pytest.approx(weighted)


def test_counts_of_every_grouping_add_up() -> None:
    result = _breakdown(HAND_ROWS)
    for groups in (result.by_criterion, result.by_language, result.by_subset):
        assert list(groups) == sorted(groups)
        assert sum(group.total for group in groups.values()) == result.overall.total
        assert sum(group.correct for group in groups.values()) == result.overall.correct


def test_undefined_numbers_are_none_not_nan() -> None:
    assert tally(np.array([1.0]), np.array([1.0])).tie_excluded is None
    assert margins(np.array([NAN]), np.array([1.0])).mean is None
    assert margins(np.array([2.0]), np.array([1.0])).std is None
    with pytest.raises(ValueError, match="at least one pair"):
        tally(np.array([]), np.array([]))


def test_credit_gives_ties_what_is_asked() -> None:
    chosen, rejected = np.array([2.0, 1.0, 1.0, NAN]), np.array([1.0, 1.0, 2.0, 1.0])
    assert credit(chosen, rejected).tolist() == [1.0, 0.0, 0.0, 0.0]
    assert credit(chosen, rejected, tie=0.5).tolist() == [1.0, 0.5, 0.0, 0.0]


def test_published_runs_are_reproduced() -> None:
    runs = sorted(shared("data", "evaluation_runs").iterdir())
    assert runs
    for run in runs:
        published = json.loads((run / "results.json").read_text())
        table = pq.read_table(run / "scores.parquet")
        valid_only = "parse_failed" in table.column_names
        chosen = table["chosen_score"].to_numpy(zero_copy_only=False)
        rejected = table["rejected_score"].to_numpy(zero_copy_only=False)
        if valid_only:
            failed = table["parse_failed"].to_numpy(zero_copy_only=False)
            chosen = np.where(failed, NAN, chosen)
        result = breakdown(
            chosen=chosen,
            rejected=rejected,
            criteria=table["aspect"].to_pylist(),
            languages=table["language"].to_pylist(),
            subsets=table["subset"].to_pylist(),
        )
        expected = published["overall"]
        assert round(result.overall.strict, 4) == expected["accuracy"], run.name
        assert result.overall.correct == expected["correct_predictions"], run.name
        assert round(result.margins.mean or 0, 4) == expected["mean_score_difference"], run.name
        assert round(result.margins.median or 0, 4) == expected["median_score_difference"], run.name
        assert round(result.margins.std or 0, 4) == expected["std_score_difference"], run.name
        for groups, key in (
            (result.by_criterion, "by_aspect"),
            (result.by_language, "by_language"),
            (result.by_subset, "by_subset"),
        ):
            found = {name: {"accuracy": round(t.strict, 4), "count": t.total} for name, t in groups.items()}
            assert found == published[key], run.name
