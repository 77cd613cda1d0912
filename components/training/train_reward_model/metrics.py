"""The numbers of a run, in long form: summed on the device over micro-steps, and over ranks once a step."""

from dataclasses import dataclass

import torch
from torch import Tensor

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.parallel import Ranks
from themis_common.modeling.losses import bradley_terry_sum, magnitude_sum
from themis_common.modeling.model import PairOutputs

ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricRow:
    """One number; `slice` is "all", a criterion or a language."""

    step: int
    metric: str
    slice: str
    value: float


_SUMS = ("bt", "lm", "magnitude", "chosen", "rejected", "correct")


class StepSums:
    """Sums over the pairs of one optimiser step.

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
        self._sums = torch.zeros(len(_SUMS), dtype=torch.float64, device=device)

    def add(self, outputs: PairOutputs) -> Tensor:
        """Count a pack; returns its share of the step's objective, () float32, for `backward`."""
        chosen, rejected, lm = outputs
        bt = bradley_terry_sum(chosen, rejected)
        magnitude = magnitude_sum(chosen, rejected, self._config.magnitude_form)
        with torch.no_grad():
            parts = [bt, lm, magnitude, chosen.sum(), rejected.sum(), (chosen > rejected).sum()]
            self._sums += torch.stack([part.double() for part in parts])
        return (
            bt / self._pairs
            + self._config.lm_weight * lm / self._labels
            + self._config.magnitude_weight * magnitude / self._pairs
        )

    def reduce(self, ranks: Ranks, stop: bool) -> tuple[dict[str, float], bool]:
        """Means over the step on all ranks, and whether any rank wants to stop, in one exchange."""
        votes = self._sums.new_tensor([float(stop)])
        *values, stops = ranks.sum(torch.cat([self._sums, votes])).tolist()
        sums = dict(zip(_SUMS, values, strict=True))
        bt, magnitude = sums["bt"] / self._pairs, sums["magnitude"] / self._pairs
        lm = sums["lm"] / self._labels
        means = {
            "loss/total": bt + self._config.lm_weight * lm + self._config.magnitude_weight * magnitude,
            "loss/bt": bt,
            "loss/lm": lm,
            "loss/magnitude": magnitude,
            "reward/chosen": sums["chosen"] / self._pairs,
            "reward/rejected": sums["rejected"] / self._pairs,
            "reward/margin": (sums["chosen"] - sums["rejected"]) / self._pairs,
            "reward/accuracy": sums["correct"] / self._pairs,
        }
        return means, stops > 0
