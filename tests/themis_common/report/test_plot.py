"""Geometry of charts and sparklines."""

import re

import pytest

from themis_common.report.model import Bin, Chart, Curve, Histogram
from themis_common.report.plot import (
    HEIGHT,
    LEFT,
    MAX_POINTS,
    RIGHT,
    SPARK_HEIGHT,
    WIDTH,
    nice_ticks,
    plot,
    plot_histogram,
    sparklines,
    thinned,
)


def _pixels(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path)]


def test_curves_stay_inside_and_keep_their_order() -> None:
    points = tuple((step, step / 50) for step in range(0, 101, 10))
    plotted = plot(Chart(title="t", curves=(Curve(name="up", points=points),)))
    pixels = _pixels(plotted.curves[0].path)
    assert len(pixels) == len(points)
    assert (pixels[0][0], pixels[-1][0]) == (LEFT, WIDTH - RIGHT)
    assert pixels == sorted(pixels)
    assert [y for _, y in pixels] == sorted((y for _, y in pixels), reverse=True)
    assert all(0 <= y <= HEIGHT for _, y in pixels)
    assert (plotted.curves[0].first, plotted.curves[0].last) == ("0", "2")
    assert plotted.description == "t: up from 0 at step 0 to 2 at step 100"


def test_shares_are_labelled_as_per_cent() -> None:
    plotted = plot(Chart(title="t", unit="share", curves=(Curve(name="a", points=((0, 0.5), (10, 0.62))),)))
    assert [tick.label for tick in plotted.y_ticks] == ["50%", "55%", "60%", "65%"]
    assert plotted.curves[0].last == "62.0%"


def test_a_histogram_outlines_each_series_and_falls_to_zero_in_gaps() -> None:
    bins = (
        Bin(low=-1.0, high=0.0, counts={"chosen": 1, "rejected": 4}),
        Bin(low=2.0, high=3.0, counts={"chosen": 8}),
    )
    plotted = plot_histogram(Histogram(title="t", series=("chosen", "rejected"), bins=bins))
    floor, top = plotted.y_ticks[0].at, plotted.y_ticks[-1].at
    assert plotted.y_ticks[-1].label == "8"
    chosen, rejected = (_pixels(curve.path) for curve in plotted.curves)
    assert min(y for _, y in chosen) == top
    assert min(y for _, y in rejected) == pytest.approx((floor + top) / 2)
    width = (WIDTH - LEFT - RIGHT) / 4
    gap = [y for x, y in chosen if LEFT + width < x < LEFT + 3 * width or y == floor]
    assert set(gap) == {floor}
    assert (chosen[0], chosen[-1]) == ((LEFT, floor), (WIDTH - RIGHT, floor))
    assert plotted.description == "t: chosen, median 2 to 3; rejected, median -1 to 0"
    assert plotted.x_unit == ""


def test_a_histogram_of_nothing_is_drawn_empty() -> None:
    plotted = plot_histogram(Histogram(title="t", series=("chosen",), bins=()))
    assert plotted.curves[0].last == "no pairs"


@pytest.mark.parametrize("points", [(), ((7, 0.3),), ((0, 0.0), (1, 0.0))])
def test_few_and_equal_points(points: tuple[tuple[int, float], ...]) -> None:
    plotted = plot(Chart(title="t", curves=(Curve(name="a", points=points),)))
    assert len(plotted.curves) == (1 if points else 0)
    assert len(plotted.y_ticks) >= 2


def test_a_value_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="curve a of chart t holds a value that is not finite"):
        plot(Chart(title="t", curves=(Curve(name="a", points=((0, float("nan")),)),)))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.5, 1]), (0.31, 0.69, [0.3, 0.4, 0.5, 0.6, 0.7]), (-3, 7, [-5, 0, 5, 10]), (5, 5, [4, 6])],
)
def test_ticks_are_round_and_enclose_the_values(low: float, high: float, expected: list[float]) -> None:
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    if low != high:
        assert ticks == pytest.approx(expected)


def test_long_curves_are_thinned_between_their_ends() -> None:
    points = [(step, float(step)) for step in range(10_001)]
    kept = thinned(points)
    assert len(kept) == MAX_POINTS
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert kept == sorted(set(kept))


def test_sparklines_share_one_axis() -> None:
    low, high = sparklines([((0, 0.5), (10, 0.4)), ((0, 0.5), (10, 0.9))])
    assert low.half == high.half
    assert _pixels(low.path)[-1][1] == SPARK_HEIGHT - 3
    assert _pixels(high.path)[-1][1] == 3
