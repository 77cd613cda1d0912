"""The report as one self-contained HTML file.

The page quotes mined repositories. Every value is escaped by the template engine, and a content security policy
inside the page forbids requests and any script but its own, so that it is safe to show in a frame.
"""

import base64
import hashlib
import math
import re
from dataclasses import dataclass
from importlib import resources
from typing import Final

import jinja2

from themis_common.plural import counted
from themis_common.report import plot, text
from themis_common.report.difference import Line, clipped, line_difference, visible
from themis_common.report.model import ExamplePair, Leaderboard, Report, Score, SliceCurve, TrainingRun
from themis_common.statistics import wilson

MAX_EXAMPLES_PER_CRITERION = 2


@dataclass(frozen=True, slots=True)
class _ShownExample:
    pair: ExamplePair
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _ShownRun:
    name: str
    remark: str
    plots: tuple[plot.Plot, ...]
    by_criterion: "_ShownSlices"
    by_language: "_ShownSlices"


@dataclass(frozen=True, slots=True)
class _ShownSlices:
    """Held-out accuracy of slices: as curves, or, after a single evaluation, as accuracies with their intervals."""

    curves: tuple[tuple[SliceCurve, plot.Sparkline], ...]
    scores: tuple[tuple[str, Score], ...]


_TICK_SPACE: Final = 25
"""Per cent of an axis that a label needs for itself; an end of the axis closer to the coin flip has none."""


@dataclass(frozen=True, slots=True)
class _Axis:
    """The accuracy axis that all rows of the leaderboard share, in per cent of its width."""

    low: float
    high: float

    def place(self, share: float) -> float:
        inside = min(max(share, self.low), self.high)
        return round(100 * (inside - self.low) / (self.high - self.low), 2)

    @property
    def ticks(self) -> tuple[plot.Tick, ...]:
        ends = [end for end in (self.low, self.high) if abs(self.place(end) - self.place(0.5)) >= _TICK_SPACE]
        marks = sorted({0.5, *ends})
        return tuple(plot.Tick(self.place(mark), text.percent(mark, 0)) for mark in marks)


def render_page(report: Report) -> str:
    """The page as HTML text; well below 1 MB whatever the examples hold, because all they show is bounded."""
    board = report.leaderboard
    template = _environment().get_template("page.html.j2")
    return template.render(
        report=report,
        script_hash=_script_hash(),
        examples=_shown_examples(report.examples),
        training=tuple(_shown_run(run) for run in report.training),
        widest=max((stage.rows_in for stage in report.funnel), default=0) or 1,
        longest=max((line.seconds for line in report.seconds), default=0.0) or 1.0,
        total_seconds=sum(line.seconds for line in report.seconds),
        overall_axis=_axis(board) if board else None,
        # Groups may hold a handful of pairs, whose intervals span nearly everything.
        group_axis=_Axis(low=0.0, high=1.0),
        criteria=_columns(board, "by_criterion") if board else (),
        languages=_columns(board, "by_language") if board else (),
        width=plot.WIDTH,
        height=plot.HEIGHT,
        left=plot.LEFT,
        right=plot.RIGHT,
    )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("themis_common.report"),
        # The style sheet and the script are parts of the package; a quote in them must stay a quote.
        autoescape=jinja2.select_autoescape(
            enabled_extensions=("j2",), disabled_extensions=("css", "js"), default=True
        ),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clip=clipped,
        count=text.count,
        counted=counted,
        duration=text.duration,
        name_parts=_name_parts,
        p_value=text.p_value,
        percent=text.percent,
        points=text.points,
        visible=visible,
        words=text.words,
    )
    return environment


def _name_parts(name: str) -> list[str]:
    """A dotted or underscored name in the parts between which a line may wrap; what is in brackets stays together."""
    return re.findall(r"\([^)]*\)|[^._(]+[._]*|[._(]+", visible(name))


def _script_hash() -> str:
    """The contents script as the policy names it: the digest of exactly what stands between the script tags."""
    script = resources.files("themis_common.report").joinpath("templates", "contents.js").read_bytes()
    return "sha256-" + base64.b64encode(hashlib.sha256(script.removesuffix(b"\n")).digest()).decode()


def _shown_examples(pairs: tuple[ExamplePair, ...]) -> tuple[_ShownExample, ...]:
    shown: list[_ShownExample] = []
    per_criterion: dict[str, int] = {}
    for pair in pairs:
        per_criterion[pair.criterion] = per_criterion.get(pair.criterion, 0) + 1
        if per_criterion[pair.criterion] <= MAX_EXAMPLES_PER_CRITERION:
            shown.append(_ShownExample(pair, line_difference(pair.rejected, pair.chosen)))
    return tuple(shown)


def _shown_run(run: TrainingRun) -> _ShownRun:
    return _ShownRun(
        name=run.name,
        remark=run.remark,
        plots=(*map(plot.plot, run.charts), *map(plot.plot_histogram, run.histograms)),
        by_criterion=_shown_slices(run.by_criterion),
        by_language=_shown_slices(run.by_language),
    )


def _shown_slices(rows: tuple[SliceCurve, ...]) -> _ShownSlices:
    drawn = [row for row in rows if row.points]
    if all(len(row.points) == 1 and row.pairs for row in drawn):
        return _ShownSlices((), tuple((row.name, _last_score(row)) for row in drawn))
    return _ShownSlices(tuple(zip(drawn, plot.sparklines([row.points for row in drawn]), strict=True)), ())


def _last_score(row: SliceCurve) -> Score:
    assert row.pairs
    accuracy = row.points[-1][1]
    interval = wilson(round(accuracy * row.pairs), row.pairs)
    return Score(accuracy=accuracy, low=interval.low, high=interval.high, pairs=row.pairs)


def _axis(board: Leaderboard) -> _Axis:
    """The narrowest axis on tens of per cent that shows a coin flip and every overall interval."""
    overall = [row.overall for row in board.rows if row.overall]
    low = min([0.45, *(score.low for score in overall)])
    high = max([0.55, *(score.high for score in overall)])
    return _Axis(low=math.floor(low * 10) / 10, high=math.ceil(high * 10) / 10)


def _columns(board: Leaderboard, group: str) -> tuple[str, ...]:
    return tuple(sorted({key for row in board.rows for key in getattr(row, group)}))
