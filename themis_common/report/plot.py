"""Geometry of the line charts: from curves in data units to paths and ticks in the pixels of a viewBox."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from themis_common.report.model import Chart, Curve, Histogram

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 10, 24
SPARK_WIDTH, SPARK_HEIGHT = 120, 26
# Beyond this a line of 300 pixels gains nothing but bytes.
MAX_POINTS = 160
# Curves of few points (evaluations between many steps) get a mark at each, so that a single one is seen at all.
MAX_MARKED_POINTS = 8

Points = Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick at pixel `at` with its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class PlottedCurve:
    """One curve: SVG path data, points to mark, and the values a reader wants in words."""

    name: str
    path: str
    marks: tuple[tuple[float, float], ...]
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One chart, ready to be drawn; `x_unit` follows the last label of the horizontal axis."""

    title: str
    curves: tuple[PlottedCurve, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    description: str
    x_unit: str = "steps"


def plot(chart: Chart) -> Plot:
    """Lay out `chart`; curves without points are left out.

    Raises ValueError when a point is not finite, because a path with NaN silently draws nothing.
    """
    curves = [curve for curve in chart.curves if curve.points]
    for curve in curves:
        if not all(math.isfinite(value) for _, value in curve.points):
            raise ValueError(f"curve {curve.name} of chart {chart.title} holds a value that is not finite")
    steps = [step for curve in curves for step, _ in curve.points]
    values = [value for curve in curves for _, value in curve.points]
    x_ticks = nice_ticks(min(steps, default=0), max(steps, default=1), whole=True)
    y_ticks = nice_ticks(min(values, default=0), max(values, default=1))
    x_low, x_high = min(steps, default=0), max(steps, default=1)
    y_low, y_high = y_ticks[0], y_ticks[-1]

    def x(step: float) -> float:
        return LEFT + (step - x_low) / ((x_high - x_low) or 1) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (value - y_low) / ((y_high - y_low) or 1) * (HEIGHT - TOP - BOTTOM)

    plotted = []
    for curve in curves:
        pixels = [(round(x(step), 1), round(y(value), 1)) for step, value in thinned(curve.points)]
        plotted.append(
            PlottedCurve(
                name=curve.name,
                path=_path(pixels),
                marks=tuple(pixels) if len(pixels) <= MAX_MARKED_POINTS else (),
                first=_value(curve.points[0][1], chart.unit),
                last=_value(curve.points[-1][1], chart.unit),
            )
        )
    return Plot(
        title=chart.title,
        curves=tuple(plotted),
        x_ticks=tuple(Tick(round(x(tick), 1), f"{tick:,.0f}") for tick in x_ticks if x_low <= tick <= x_high),
        y_ticks=tuple(Tick(round(y(tick), 1), _tick_label(tick, y_ticks, chart.unit)) for tick in y_ticks),
        description=_description(chart, curves, plotted),
    )


def plot_histogram(histogram: Histogram) -> Plot:
    """Lay out `histogram`: the outline of every series; in words, the middle bin of each."""
    bins = histogram.bins
    low, high = (bins[0].low, bins[-1].high) if bins else (0.0, 1.0)
    highest = max((count for found in bins for count in found.counts.values()), default=1)
    x_ticks, y_ticks = nice_ticks(low, high), nice_ticks(0, highest, whole=True)

    def x(value: float) -> float:
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(count: float) -> float:
        return HEIGHT - BOTTOM - count / y_ticks[-1] * (HEIGHT - TOP - BOTTOM)

    plotted = []
    for name in histogram.series:
        corners = [(x(low), y(0))]
        for found in bins:
            count = found.counts.get(name, 0)
            if x(found.low) > corners[-1][0]:
                corners += [(corners[-1][0], y(0)), (x(found.low), y(0))]
            corners += [(x(found.low), y(count)), (x(found.high), y(count))]
        middle = _middle(histogram, name)
        plotted.append(
            PlottedCurve(name, _path([*corners, (corners[-1][0], y(0))]), marks=(), first=middle, last=middle)
        )
    return Plot(
        title=histogram.title,
        curves=tuple(plotted),
        x_ticks=tuple(
            Tick(round(x(tick), 1), _tick_label(tick, x_ticks, "")) for tick in x_ticks if low <= tick <= high
        ),
        y_ticks=tuple(Tick(round(y(tick), 1), f"{tick:,.0f}") for tick in y_ticks),
        description=f"{histogram.title}: "
        + ("; ".join(f"{curve.name}, {curve.last}" for curve in plotted) or "no values"),
        x_unit="",
    )


def _middle(histogram: Histogram, name: str) -> str:
    """The bin that holds the median of a series."""
    total, passed = sum(found.counts.get(name, 0) for found in histogram.bins), 0
    for found in histogram.bins:
        passed += found.counts.get(name, 0)
        if 2 * passed >= total > 0:
            return f"median {found.low:g} to {found.high:g}"
    return "no pairs"


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A small curve of shares in a SPARK_WIDTH x SPARK_HEIGHT box and the height of one half in it."""

    path: str
    half: float


def sparklines(curves: Sequence[Points]) -> tuple[Sparkline, ...]:
    """Curves drawn to one vertical axis, the narrowest that holds all of them and one half."""
    values = [0.5, *(value for points in curves for _, value in points)]
    low, high = min(values), max(values)

    def y(value: float) -> float:
        return SPARK_HEIGHT - 3 - (value - low) / ((high - low) or 1) * (SPARK_HEIGHT - 6)

    def path(points: Points) -> str:
        first, last = points[0][0], points[-1][0]
        return _path(
            [
                (3 + (step - first) / ((last - first) or 1) * (SPARK_WIDTH - 6), y(value))
                for step, value in thinned(points)
            ]
        )

    return tuple(Sparkline(path(points), round(y(0.5), 1)) for points in curves)


def thinned(points: Points) -> list[tuple[int, float]]:
    """At most MAX_POINTS evenly spaced points, always with the first and the last."""
    if len(points) <= MAX_POINTS:
        return list(points)
    stride = (len(points) - 1) / (MAX_POINTS - 1)
    return [points[round(index * stride)] for index in range(MAX_POINTS)]


def nice_ticks(low: float, high: float, *, whole: bool = False, aim: int = 4) -> list[float]:
    """Ticks on multiples of 1, 2 or 5 times a power of ten that enclose [low, high]."""
    span = high - low or abs(high) or 1.0
    rough = span / aim
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * magnitude for factor in (1, 2, 5, 10) if factor * magnitude >= rough)
    if whole:
        step = max(1.0, step)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [index * step for index in range(first, max(last, first + 1) + 1)]


def _path(pixels: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in pixels)


def _value(value: float, unit: str) -> str:
    return f"{100 * value:.1f}%" if unit == "share" else f"{value:.3g}"


def _tick_label(tick: float, ticks: Sequence[float], unit: str) -> str:
    scale = 100 if unit == "share" else 1
    step = (ticks[1] - ticks[0]) * scale
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{tick * scale:,.{decimals}f}" + ("%" if unit == "share" else "")


def _description(chart: Chart, curves: Sequence[Curve], plotted: Sequence[PlottedCurve]) -> str:
    parts = [
        f"{drawn.name} from {drawn.first} at step {curve.points[0][0]} to {drawn.last} at step {curve.points[-1][0]}"
        for curve, drawn in zip(curves, plotted, strict=True)
    ]
    return f"{chart.title}: " + ("; ".join(parts) or "no values were recorded")
