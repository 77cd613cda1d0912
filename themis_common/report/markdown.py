"""The report as one Markdown table, for places that render no HTML: a terminal, a pull request, the Kubeflow UI."""

import re

from themis_common.markdown_table import markdown_table
from themis_common.report import text
from themis_common.report.difference import clipped
from themis_common.report.model import Leaderboard, LeaderboardRow, Report

MAX_CELL_CHARS = 120


def render_markdown(report: Report) -> str:
    """Title, summary, notices, and the leaderboard as a table; without a leaderboard, the funnel as a table."""
    engine = (
        [
            f"Engine: {report.engine} (no language model took part)"
            if report.engine_is_rules
            else f"Engine: {report.engine}"
        ]
        if report.engine
        else []
    )
    blocks = [
        f"# {_plain(report.title)}",
        _plain(report.summary),
        *(f"> {_plain(notice)}" for notice in [*engine, *report.notices]),
    ]
    if report.leaderboard:
        blocks.append(_leaderboard(report.leaderboard))
    elif report.funnel:
        blocks.append(_funnel(report))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _leaderboard(board: Leaderboard) -> str:
    """Narrow enough for a terminal of 80 columns; what it leaves out is on the page."""
    criteria = sorted({criterion for row in board.rows for criterion in row.by_criterion})
    header = ["rank", "cell", "strict", "95%", *(_initials(criterion) for criterion in criteria), "ties"]
    table = markdown_table(header, [_leaderboard_row(row, criteria) for row in board.rows], _plain)
    named = ", ".join(f"{_initials(criterion)} {criterion}" for criterion in criteria)
    legend = f"Accuracy in per cent of {text.count(board.pairs)} pairs; a tie counts as wrong. {named}."
    return "\n\n".join(block for block in (table, _plain(legend), _plain(board.independence)) if block)


def _leaderboard_row(row: LeaderboardRow, criteria: list[str]) -> list[str]:
    if row.overall is None:
        return ["", row.cell, "no scores", *[""] * (len(criteria) + 2)]
    by_criterion = [
        _bare(row.by_criterion[criterion].accuracy) if criterion in row.by_criterion else ""
        for criterion in criteria
    ]
    interval = f"{_bare(row.overall.low)}-{_bare(row.overall.high)}"
    return [_ranks(row), row.cell, _bare(row.overall.accuracy), interval, *by_criterion, text.count(row.ties)]


def _ranks(row: LeaderboardRow) -> str:
    return "-".join(str(rank) for rank in sorted(set(row.ranks or ())))


def _bare(share: float) -> str:
    return text.percent(share).removesuffix("%")


def _initials(label: str) -> str:
    """The capitals that the field abbreviates criteria to: FC for Functional Correctness."""
    return "".join(word[0] for word in label.split() if word[0].isupper()) or label


def _funnel(report: Report) -> str:
    rows = [
        [
            stage.stage,
            text.count(stage.rows_in),
            text.count(stage.emitted),
            text.counts(stage.dropped),
            text.count(stage.rows_out),
        ]
        for stage in report.funnel
    ]
    return markdown_table(["stage", "in", "emitted", "dropped", "out"], rows, _plain)


def _plain(value: str) -> str:
    """Text that Markdown shows as it is: one line, no markup, no HTML, no cell border."""
    one_line = clipped(" ".join(value.split()), MAX_CELL_CHARS * 10)
    return re.sub(r"([\\`*_\[\]<>|&#~!])", r"\\\1", one_line) if one_line.strip("-") else one_line
