"""The numbers of a run: sums of a step on the device, and the curves that grow from them."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Literal, Self

import torch
from torch import Tensor

from components.training.train_reward_model.config import TrainRewardModelConfig
from themis_common.modeling.losses import bradley_terry_sum, magnitude_sum
from themis_common.modeling.model import PairOutputs

ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One number; `slice` is "all", a criterion, a language, or a bin of a histogram as its ends ("-1..0")."""

    step: int
    metric: str
    slice: str
    value: float


@dataclass(frozen=True, kw_only=True)
class Curves:
    """All metrics of a run.

    Attributes:
        results: a function of the data and the configuration.
        speed: how fast the work went, which differs from run to run and is kept apart for that reason.
    """

    results: list[MetricRow] = field(default_factory=list)
    speed: list[MetricRow] = field(default_factory=list)

    @property
    def losses(self) -> list[float]:
        """The loss of every step."""
        return [row.value for row in self.results if row.metric == "loss/total"]

    def snapshot(self) -> "Curves":
        """The same as of now."""
        return Curves(results=self.results.copy(), speed=self.speed.copy())

    def to_lines(self) -> str:
        """One JSON object a line."""
        kinds: tuple[tuple[Kind, list[MetricRow]], ...] = (("results", self.results), ("speed", self.speed))
        return "".join(
            json.dumps({"kind": kind, **asdict(row)}) + "\n" for kind, rows in kinds for row in rows
        )

    @classmethod
    def from_lines(cls, lines: str) -> Self:
        """What `to_lines` wrote."""
        curves = cls()
        for line in lines.splitlines():
            row = json.loads(line)
            getattr(curves, row.pop("kind")).append(MetricRow(**row))
        return curves


Kind = Literal["results", "speed"]


def as_lines(rows: Iterable[MetricRow]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(asdict(row)) + "\n" for row in rows)


def metric_rows(step: int, values: dict[str, float]) -> list[MetricRow]:
    """Rows over all pairs."""
    return [MetricRow(step=step, metric=name, slice=ALL, value=value) for name, value in values.items()]


_SUMS = ("bt", "lm", "magnitude", "chosen", "rejected", "correct")


class StepSums:
    """Sums over the own pairs of one optimiser step; they stay on the device until somebody looks.

    Args:
        num_pairs, num_labels: of the whole step over all ranks, known before it starts.
    """

    def __init__(
        self, config: TrainRewardModelConfig, num_pairs: int, num_labels: int, device: torch.device
    ) -> None:
        self._config = config
        self._pairs = num_pairs
        self._labels = max(num_labels, 1)
        # float64, so that the order of micro-steps does not show
        self.tensor = torch.zeros(len(_SUMS), dtype=torch.float64, device=device)

    def add(self, outputs: PairOutputs) -> Tensor:
        """Count a pack; returns its share of the step's objective, () float32, for `backward`."""
        chosen, rejected, lm = outputs
        bt = bradley_terry_sum(chosen, rejected, self._config.margin)
        magnitude = magnitude_sum(chosen, rejected, self._config.magnitude_form)
        with torch.no_grad():
            parts = [bt, lm, magnitude, chosen.sum(), rejected.sum(), (chosen > rejected).sum()]
            self.tensor += torch.stack([part.double() for part in parts])
        return (
            bt / self._pairs
            + self._config.lm_weight * lm / self._labels
            + self._config.magnitude_weight * magnitude / self._pairs
        )

    def means(self, sums: Iterable[float]) -> dict[str, float]:
        """Means over the step.

        Args:
            sums: `tensor`, added over all ranks.
        """
        total = dict(zip(_SUMS, sums, strict=True))
        bt, magnitude = total["bt"] / self._pairs, total["magnitude"] / self._pairs
        lm = total["lm"] / self._labels
        return {
            "loss/total": bt + self._config.lm_weight * lm + self._config.magnitude_weight * magnitude,
            "loss/bt": bt,
            "loss/lm": lm,
            "loss/magnitude": magnitude,
            "reward/chosen": total["chosen"] / self._pairs,
            "reward/rejected": total["rejected"] / self._pairs,
            "reward/margin": (total["chosen"] - total["rejected"]) / self._pairs,
            "reward/accuracy": total["correct"] / self._pairs,
        }
