"""The learning rate of every step: the paper's cosine, and what the published script makes of transformers' scheduler.

The script's scheduler differs in more than its shape. Its first step runs at the start of the warm-up, its phases are
cut to whole steps, not rounded, and in an optimiser step it makes one step for each process, over as many more: phases
end within optimiser steps, and an epoch's short last batch counts in full, so that the last steps may be past the end
(facts/training.md section 7).
"""

import math
from fractions import Fraction

from components.training.train_reward_model.config import TrainRewardModelConfig


def schedule_length(num_pairs: int, config: TrainRewardModelConfig) -> int:
    """Steps of the schedule: `schedule_processes` for a full batch, and fewer for the short one of each epoch.

    Args:
        num_pairs: to train on.
    """
    return config.epochs * math.ceil(Fraction(num_pairs * config.schedule_processes, config.global_batch))


def learning_rate(step: int, length: int, config: TrainRewardModelConfig) -> float:
    """The learning rate of optimiser step `step`, counted from 0.

    It rises in equal parts to the peak, stays there for the stable share, and falls along half a cosine to the floor.
    In the cosine schedule the last warm-up step has the peak and the last step of all the floor.

    Args:
        length: as `schedule_length` gives it.
    """
    assert step >= 0
    peak, floor = config.learning_rate, config.learning_rate * config.floor_ratio
    if config.schedule == "warmup_stable_decay":
        place = step * config.schedule_processes
        warmup, stable = int(config.warmup_ratio * length), int(config.stable_ratio * length)
    else:
        place = step + 1
        warmup, stable = round(config.warmup_ratio * length), 0
    if place < warmup:
        start = floor if config.warmup_from == "floor" else 0.0
        return start + (peak - start) * place / warmup
    if place <= warmup + stable:
        return peak
    if place >= length:
        return floor
    fallen = (place - warmup - stable) / (length - warmup - stable)
    return floor + (peak - floor) * (1 + math.cos(math.pi * fallen)) / 2
