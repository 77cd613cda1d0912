"""Asking all ranks whether one of them was told to stop, without asking a device."""

from collections.abc import Callable

import torch
import torch.distributed as dist

from components.training.train_reward_model.parallel import Ranks


class StopVote:
    """Whether any rank was told to stop; all ranks ask together.

    Args:
        requested: whether this one was.
    """

    def __init__(self, ranks: Ranks, requested: Callable[[], bool]) -> None:
        self._ranks = ranks
        self._requested = requested

    def __call__(self) -> bool:
        """The outcome, the same on all ranks."""
        mine = self._requested()
        if self._ranks.world == 1:
            return mine
        # in CPU memory, so between the hosts: a GPU would have to finish its step before it answers
        vote = torch.tensor(int(mine), dtype=torch.int32)
        dist.all_reduce(vote)
        return bool(vote)
