"""How numbers are written."""

import pytest

from themis_common.report import text


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.04, "< 0.1 s"),
        (9.94, "9.9 s"),
        (9.96, "10.0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (3599.7, "1 h 00 min"),
    ],
)
def test_durations(seconds: float, expected: str) -> None:
    assert text.duration(seconds) == expected


def test_shares_points_and_p_values() -> None:
    assert text.percent(0.61254) == "61.3%"
    assert text.percent(None) == "\u2013"
    assert text.points(0.0312) == "+3.1"
    assert text.points(-0.0312) == "\u22123.1"
    assert text.p_value(0.00012) == "p < 0.001"
    assert text.p_value(0.0421) == "p = 0.042"
    assert text.words("more_than_one_file") == "more than one file"
