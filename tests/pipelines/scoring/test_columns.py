"""Margins, winners and counts from outcomes."""

import pytest

from components.evaluation.score_benchmark.outcomes import Outcome
from pipelines.scoring.columns import column_names, score_columns, summarise, summary_line
from pipelines.scoring.response_file import Form

LONG = Outcome(None, "too_long")


def scored(*scores: float) -> list[Outcome]:
    return [Outcome(score) for score in scores]


@pytest.mark.parametrize(
    ("form", "row", "values"),
    [
        ("pair", scored(1.0, 3.0), [1.0, 3.0, -2.0, None]),
        ("pair", [LONG, Outcome(3.0)], [None, 3.0, None, "too_long"]),
        ("candidates", scored(1.0, 3.0, 2.5), [[1.0, 3.0, 2.5], 1, 0.5, [None, None, None]]),
        ("candidates", scored(2.0, 2.0), [[2.0, 2.0], 0, 0.0, [None, None]]),
        (
            "candidates",
            [LONG, *scored(-4.0, -5.0)],
            [[None, -4.0, -5.0], 1, 1.0, ["too_long", None, None]],
        ),
        ("candidates", [LONG, Outcome(1.0)], [[None, 1.0], 1, None, ["too_long", None]]),
        ("candidates", [LONG], [[None], None, None, ["too_long"]]),
        ("candidates", [], [[], None, None, []]),
        ("response", scored(0.0), [0.0, None]),
        ("response", [LONG], [None, "too_long"]),
    ],
)
def test_a_row_of_outcomes_as_columns(form: Form, row: list[Outcome], values: list[object]) -> None:
    columns = score_columns(form, "all", [row])
    assert [column.values[0] for column in columns] == values
    assert [column.name for column in columns] == column_names(form, "all")
    assert all(name.endswith("_all") for name in column_names(form, "all"))


def test_counts_of_pairs() -> None:
    rows = [scored(2.0, 1.0), scored(1.0, 1.0), scored(0.0, 4.0), [LONG, LONG]]
    summary = summarise("pair", rows)
    assert summary == {
        "rows": 4,
        "scored": 3,
        "failures": {"too_long": 2},
        "chosen_preferred": 1,
        "tied": 1,
        "mean_margin": -1.0,
    }
    assert summary_line("none", summary) == (
        "none: 3 of 4 rows scored; chosen preferred in 1, tied in 1; mean margin -1.0000; too_long: 2 responses"
    )


def test_without_margins_there_is_no_mean() -> None:
    assert summarise("candidates", [[LONG]])["mean_margin"] is None
    assert summarise("response", [scored(1.0)]) == {"rows": 1, "scored": 1, "failures": {}}
