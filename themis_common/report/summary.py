"""The report for machines: the content of `summary.json` and the headline metrics of the Kubeflow UI."""

import dataclasses
from typing import Any

from themis_common.report.model import Leaderboard, Report, TrainingRun

SCHEMA_VERSION = 1
# The Kubeflow UI lists metrics in one flat table that is readable up to about twenty entries.
MAX_METRICS = 20


def summary(report: Report) -> dict[str, Any]:
    """Plain JSON data: funnel, training, leaderboard, seconds, datasets. Shares are in [0, 1]; no number is NaN."""
    return {
        "schema_version": SCHEMA_VERSION,
        "title": report.title,
        "summary": report.summary,
        "engine": {"name": report.engine, "is_rules_engine": report.engine_is_rules}
        if report.engine
        else None,
        "notices": list(report.notices),
        "funnel": [dataclasses.asdict(stage) for stage in report.funnel],
        "training": [_training(run) for run in report.training],
        "leaderboard": dataclasses.asdict(report.leaderboard) if report.leaderboard else None,
        "seconds": {line.stage: line.seconds for line in report.seconds},
        "reused": [line.stage for line in report.seconds if line.reused],
        "datasets": [dataclasses.asdict(line) for line in report.manifests],
    }


def headline_metrics(report: Report) -> dict[str, float | str]:
    """At most MAX_METRICS flat values with stable names, best cells first."""
    metrics: dict[str, float | str] = {}
    if report.engine:
        metrics["engine"] = report.engine
    if report.leaderboard:
        metrics |= _board_metrics(report.leaderboard)
    return dict(list(metrics.items())[:MAX_METRICS])


def _board_metrics(board: Leaderboard) -> dict[str, float | str]:
    scored = [(row.cell, row.overall) for row in board.rows if row.overall]
    metrics: dict[str, float | str] = {"benchmark_pairs": board.pairs, "cells_missing": len(board.missing)}
    metrics |= {f"accuracy/{cell}": round(overall.accuracy, 4) for cell, overall in scored}
    return metrics


def _training(run: TrainingRun) -> dict[str, Any]:
    """First and last value of every curve; the curves themselves are in the training dataset."""
    curves = {
        f"{chart.title}/{curve.name}": curve.points
        for chart in run.charts
        for curve in chart.curves
        if curve.points
    }
    held_out = {row.name: row.points for row in (*run.by_criterion, *run.by_language) if row.points}
    return {
        "name": run.name,
        "remark": run.remark,
        "curves": {name: _ends(points) for name, points in curves.items()},
        "held_out_accuracy": {name: _ends(points) for name, points in held_out.items()},
    }


def _ends(points: tuple[tuple[int, float], ...]) -> dict[str, float]:
    return {
        "first_step": points[0][0],
        "first": points[0][1],
        "last_step": points[-1][0],
        "last": points[-1][1],
    }
