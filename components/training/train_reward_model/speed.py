"""How fast training goes: pairs and tokens a second, and the fraction of what the devices could do."""

from collections.abc import Callable, Sequence

import torch

from components.training.train_reward_model.dealing import PairCost
from components.training.train_reward_model.metrics import MetricRow, metric_rows
from components.training.train_reward_model.parallel import Ranks
from themis_common.modeling.token_pair import TokenPair

_PEAK_BFLOAT16 = {
    "B200": 2250.0,
    "H200": 989.0,
    "H100": 989.0,
    "GH200": 989.0,
    "L40S": 362.0,
    "A100": 312.0,
    "L4": 121.0,
}
"""Dense TFLOP/s that the makers give, by a part of the device's name."""
_TRAINING_OVER_FORWARD = 3


def peak_flops(configured: float, device: torch.device, dtype: str) -> float | None:
    """FLOP/s of one device at best.

    Args:
        configured: in TFLOP/s; 0 to go by the device's name.

    Returns:
        None where neither says anything: on a CPU, in float32, on an unknown GPU.
    """
    if configured:
        return configured * 1e12
    if device.type != "cuda" or dtype != "bfloat16":
        return None
    words = torch.cuda.get_device_name(device).replace("-", " ").split()
    return next((1e12 * peak for name, peak in _PEAK_BFLOAT16.items() if name in words), None)


class Speed:
    """Counts work against the clock, leaving out evaluations and waiting for checkpoints.

    Args:
        peak: FLOP/s of one device, if known.
        clock: in seconds.
    """

    def __init__(self, cost: PairCost, ranks: Ranks, peak: float | None, clock: Callable[[], float]) -> None:
        self._cost = cost
        self._ranks = ranks
        self._peak = peak
        self._clock = clock
        self._since = clock()
        self._paused_at: float | None = None
        self._reset()

    def add(self, batch: Sequence[TokenPair]) -> None:
        """Count a step over all ranks."""
        self._steps += 1
        self._pairs += len(batch)
        self._tokens += sum(pair.num_tokens for pair in batch)
        self._flops += _TRAINING_OVER_FORWARD * sum(map(self._cost, batch))

    def pause(self) -> None:
        """Leave out the time from here."""
        self._paused_at = self._clock()

    def go_on(self) -> None:
        """Count the time from here again."""
        assert self._paused_at is not None, "not paused"
        self._since += self._clock() - self._paused_at
        self._paused_at = None

    def look(self, step: int) -> list[MetricRow]:
        """The speed since the last look."""
        seconds = self._clock() - self._since
        values = {"speed/seconds_per_step": seconds / self._steps}
        if seconds > 0:
            values["speed/pairs_per_second"] = self._pairs / seconds
            values["speed/tokens_per_second"] = self._tokens / seconds
            if self._peak is not None:
                limit = seconds * self._peak * self._ranks.world
                values["speed/fraction_of_limit"] = self._flops / limit
        if self._ranks.device.type == "cuda":
            values["memory/peak_gib"] = torch.cuda.max_memory_allocated(self._ranks.device) / 2**30
        self._since = self._clock()
        self._reset()
        return metric_rows(step, values)

    def _reset(self) -> None:
        self._steps = self._pairs = self._tokens = 0
        self._flops = 0.0
