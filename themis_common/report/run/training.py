"""The training part of a report: the curves of every phase, from the metrics beside the trained model."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from themis_common.datasets.reader import DatasetReader
from themis_common.plural import counted
from themis_common.report.model import Bin, Chart, Curve, Histogram, SliceCurve, TrainingRun
from themis_common.report.run.outputs import TaskOutput, of_stage
from themis_common.report.run.slice_names import CRITERION_NAMES, LANGUAGE_NAMES
from themis_common.schemas import MODEL_FILES, TRAINING_METRICS
from themis_common.stages.run import WORKSPACE
from themis_common.store import open_store

_ALL = "all"
_SPEED = "speed.jsonl"
_PHASES = {
    "train_general": "PT: preference-model pre-training on general pairs",
    "train_code": "PM: preference modelling on code pairs",
}

Points = tuple[tuple[int, float], ...]
Curves = dict[tuple[str, str], Points]


def training_runs(outputs: Sequence[TaskOutput]) -> tuple[TrainingRun, ...]:
    """One run for each training task, in the order of the pipeline."""
    return tuple(_training_run(output) for output in of_stage(outputs, "training.train_reward_model"))


def _training_run(output: TaskOutput) -> TrainingRun:
    metrics = DatasetReader(output.uri, MODEL_FILES).side_rows("metrics", TRAINING_METRICS)
    curves = _curves([*metrics, *_speed(output)])
    config = output.manifest.config
    steps = max((points[-1][0] for points in curves.values()), default=0)
    return TrainingRun(
        name=_PHASES.get(output.task, output.task),
        remark=f"{counted(steps, 'step')} of up to {counted(config['global_batch'], 'pair')}, "
        f"{counted(config['epochs'], 'epoch')}",
        charts=(
            _loss_chart(curves, lm_weight=config["lm_weight"], magnitude_weight=config["magnitude_weight"]),
            _chart("Reward margin", curves, {"reward/margin": "training", "held_out/margin": "held out"}),
            _chart(
                "Accuracy",
                curves,
                {"reward/accuracy": "training", "held_out/accuracy": "held out"},
                share=True,
            ),
            *_progress_charts(curves),
        ),
        histograms=_histograms(curves),
        by_criterion=_slices(curves, CRITERION_NAMES),
        by_language=_slices(curves, LANGUAGE_NAMES),
    )


def _speed(output: TaskOutput) -> list[dict[str, Any]]:
    """Rows on how fast the task went, which are no part of its dataset; none where another task made that."""
    workspace = open_store(output.uri).child(WORKSPACE)
    if not workspace.exists(_SPEED):
        return []
    return [json.loads(line) for line in workspace.read_bytes(_SPEED).splitlines()]


def _curves(rows: Iterable[Mapping[str, Any]]) -> Curves:
    """Points in step order, by metric and slice."""
    found: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    for row in rows:
        found[row["metric"], row["slice"]].append((row["step"], row["value"]))
    return {name: tuple(sorted(points)) for name, points in found.items()}


def _loss_chart(curves: Curves, *, lm_weight: float, magnitude_weight: float) -> Chart:
    """The loss and its parts with the weights that they have in it, so that the parts add up."""
    parts = {
        "loss/total": ("total", 1.0),
        "loss/bt": ("Bradley-Terry", 1.0),
        "loss/lm": (f"language model, weight {lm_weight:g}", lm_weight),
        "loss/magnitude": (f"magnitude, weight {magnitude_weight:g}", magnitude_weight),
    }
    return Chart(
        title="Loss",
        curves=tuple(
            Curve(name=name, points=tuple((step, weight * value) for step, value in curves[metric, _ALL]))
            for metric, (name, weight) in parts.items()
            if (metric, _ALL) in curves
        ),
    )


def _chart(title: str, curves: Curves, names: dict[str, str], *, share: bool = False) -> Chart:
    return Chart(
        title=title,
        curves=tuple(
            Curve(name=name, points=curves[metric, _ALL])
            for metric, name in names.items()
            if (metric, _ALL) in curves
        ),
        unit="share" if share else "",
    )


def _progress_charts(curves: Curves) -> list[Chart]:
    """Charts of what not every run records."""
    charts = [
        _chart("Language-model loss", curves, {"loss/lm": "training", "held_out/lm": "held out"}),
        _chart("Gradient norm", curves, {"grad_norm": "before clipping"}),
        _chart("Pairs a second", curves, {"speed/pairs_per_second": "all devices"}),
        _chart("Fraction of the limit", curves, {"speed/fraction_of_limit": "of peak FLOP/s"}, share=True),
    ]
    return [chart for chart in charts if chart.curves]


def _histograms(curves: Curves) -> tuple[Histogram, ...]:
    """Rewards of the held-out pairs after the last evaluation."""
    sides = {"histogram/chosen": "chosen", "histogram/rejected": "rejected"}
    found = {(metric, name): points[-1] for (metric, name), points in curves.items() if metric in sides}
    last = max((step for step, _ in found.values()), default=0)
    counts: dict[tuple[float, float], dict[str, int]] = defaultdict(dict)
    for (metric, name), (step, count) in found.items():
        if step == last:
            low, _, high = name.partition("..")
            counts[float(low), float(high)][sides[metric]] = round(count)
    if not counts:
        return ()
    bins = tuple(Bin(low=low, high=high, counts=counts[low, high]) for low, high in sorted(counts))
    return (Histogram(title="Rewards of held-out pairs", series=tuple(sides.values()), bins=bins),)


def _slices(curves: Curves, names: Mapping[str, str]) -> tuple[SliceCurve, ...]:
    return tuple(
        SliceCurve(
            name=name,
            points=curves["held_out/accuracy", key],
            pairs=round(curves["held_out/pairs", key][-1][1]) if ("held_out/pairs", key) in curves else None,
        )
        for key, name in names.items()
        if ("held_out/accuracy", key) in curves
    )
