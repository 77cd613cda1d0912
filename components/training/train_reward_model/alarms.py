"""When a run must stop: a number that is not finite, or a loss far above what it was; and which rows to look at."""

import math
import statistics
from collections import deque
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import softplus

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.parallel import Ranks
from components.training.train_reward_model.window import PackOutputs, StepRecord
from themis_common.errors import UserError

_NAMED_ROWS = 5
_WARM_UP = 20
"""Steps before which nothing is usual."""
_LEAST_RISE = 1.0
"""Nats: what a rise has to be besides rare. A model without an opinion loses 0.69 on a pair, so more than that in the
mean of a batch is no noise of sampling."""
_TO_SIGMA = 1.4826
"""From a median absolute deviation to the standard deviation of a normal distribution."""


class SpikeAlarm:
    """Compares each loss with the median of those before.

    Args:
        factor: standard deviations, estimated from the median absolute deviation, above which a loss is a spike; 0 for
            no alarm.
        window: how many losses count as before.
    """

    def __init__(self, factor: float, window: int) -> None:
        self._factor = factor
        self._before: deque[float] = deque(maxlen=window)

    def limit(self) -> float:
        """The largest loss that is no spike."""
        if not self._factor or len(self._before) < _WARM_UP:
            return math.inf
        median = statistics.median(self._before)
        deviation = statistics.median(abs(loss - median) for loss in self._before)
        return median + max(_LEAST_RISE, self._factor * _TO_SIGMA * deviation)

    def is_spike(self, loss: float) -> bool:
        """Whether `loss` is one; remembers it if not."""
        if loss > self.limit():
            return True
        self._before.append(loss)
        return False


class Alarms:
    """Stops a run before anything that went wrong is stored; all ranks see the same numbers and stop together.

    Args:
        losses: `loss/total` of the steps before, for a run that goes on.
    """

    def __init__(self, config: TrainRewardModelConfig, ranks: Ranks, losses: list[float]) -> None:
        self._config = config
        self._ranks = ranks
        self._spikes = SpikeAlarm(config.spike_factor, config.spike_window)
        for loss in losses[-config.spike_window :]:
            self._spikes.is_spike(loss)

    def check(self, record: StepRecord, values: Mapping[str, float]) -> None:
        """Judge one step; steps come in their order.

        Raises:
            UserError: names the step and the rows to look at.
        """
        loss, norm = values["loss/total"], values["grad_norm"]
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise UserError(self._not_finite(record))
        limit = self._spikes.limit()
        if self._spikes.is_spike(loss):
            worst = ", ".join(self._worst(record))
            raise UserError(
                f"step {record.step}: loss {loss:.3f} is a spike (more than {limit:.3f}, from the steps before); the "
                f"costliest rows are {worst}: look at them, lower learning_rate, or set spike_factor to 0 to go on "
                "from the newest checkpoint without this alarm"
            )

    def _not_finite(self, record: StepRecord) -> str:
        own = []
        for pack in record.packs:
            finite = (pack.outputs.chosen + pack.outputs.rejected).isfinite().tolist()
            bad_pack = not torch.isfinite(pack.outputs.lm_loss)
            own += [key for key, fine in zip(pack.row_keys, finite, strict=True) if bad_pack or not fine]
        keys = sorted(key for part in self._ranks.gather(own) for key in part)
        what = "rows" if keys else "no single row; all rows of the step are"
        keys = keys or sorted(record.batch)
        more = f" and {len(keys) - _NAMED_ROWS} more" if keys[_NAMED_ROWS:] else ""
        return (
            f"step {record.step}: loss or gradient is not finite ({what} {', '.join(keys[:_NAMED_ROWS])}{more}): "
            "look at these rows or lower learning_rate"
        )

    def _worst(self, record: StepRecord) -> list[str]:
        """The rows that cost most."""
        own = [
            (cost, key)
            for pack in record.packs
            for cost, key in zip(self._costs(pack).tolist(), pack.row_keys, strict=True)
        ]
        found = [entry for part in self._ranks.gather(own) for entry in part]
        return [key for _, key in sorted(found, key=lambda entry: (-entry[0], entry[1]))[:_NAMED_ROWS]]

    def _costs(self, pack: PackOutputs) -> Tensor:
        """(P,) each pair's own loss, with the mean language-model loss of its pack."""
        chosen, rejected, lm_loss = pack.outputs
        return softplus(rejected - chosen) + self._config.lm_weight * lm_loss / max(1, pack.num_labels)
