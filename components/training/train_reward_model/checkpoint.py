"""Checkpoints of a whole run: sharded weights and optimiser state, the place in the data, the metrics so far.

    <folder>/step-00000050/        a complete checkpoint, renamed into place last
        .metadata, *.distcp        PyTorch's distributed checkpoint: loads at any number of ranks
        run.json                   step, place in the data, identity of the run
        metrics.jsonl              all metrics up to this step
    <folder>/step-00000100.part/   one that is being written, or was when the run was killed

Writing goes on in the background while training continues; what is already complete is never touched until a newer
one is complete.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict

from components.training.train_reward_model.metrics import MetricRow
from components.training.train_reward_model.parallel import Ranks
from components.training.train_reward_model.sampler import DataState
from themis_common.errors import UserError

_PART = ".part"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands: finished optimiser steps and the place in the data."""

    step: int
    data: DataState


class Checkpoints:
    """Saves, finds and restores the checkpoints of one run.

    Args:
        identity: digest of what affects the result; checkpoints of another identity are refused.
        keep: how many complete checkpoints stay.
    """

    def __init__(self, folder: Path, identity: str, keep: int, ranks: Ranks) -> None:
        self._folder = folder
        self._identity = identity
        self._keep = keep
        self._ranks = ranks
        # the save's own collectives run beside those of training and must not mix with them
        self._group = dist.new_group(backend="gloo")
        self._pending: tuple[Future[Any], Path] | None = None
        if ranks.is_first:
            for part in folder.glob(f"step-*{_PART}"):
                shutil.rmtree(part)
        dist.barrier()

    def latest(self) -> Path | None:
        """The newest complete checkpoint; the same on all ranks."""
        found = max(self._complete(), default=None) if self._ranks.is_first else None
        return self._ranks.gather(found)[0]

    def load(
        self, path: Path, model: nn.Module, optimizer: torch.optim.Optimizer
    ) -> tuple[Progress, list[MetricRow]]:
        """Restore weights and optimiser state in place.

        Raises:
            UserError: the checkpoint belongs to another run.
        """
        run = json.loads((path / "run.json").read_text())
        if run["identity"] != self._identity:
            raise UserError(
                f"{path} belongs to a run with another configuration, data or initial model: "
                "choose another folder, or delete it"
            )
        weights, moments = get_state_dict(model, optimizer)
        state_dict_loader.load({"model": weights, "optimizer": moments}, checkpoint_id=path)
        set_state_dict(model, optimizer, model_state_dict=weights, optim_state_dict=moments)
        lines = (path / "metrics.jsonl").read_text().splitlines()
        rows = [MetricRow(**json.loads(line)) for line in lines]
        return Progress(step=run["step"], data=DataState(**run["data"])), rows

    def save(
        self,
        progress: Progress,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        metrics: list[MetricRow],
    ) -> None:
        """Start writing a checkpoint; waits for the one before, not for this one."""
        self.finish()
        part = self._folder / f"step-{progress.step:08d}{_PART}"
        if self._ranks.is_first:
            # another rank's writer may have made it already
            part.mkdir(exist_ok=True)
            run = {"identity": self._identity, "step": progress.step, "data": asdict(progress.data)}
            (part / "run.json").write_text(json.dumps(run))
            (part / "metrics.jsonl").write_text("".join(json.dumps(asdict(row)) + "\n" for row in metrics))
        weights, moments = get_state_dict(model, optimizer)
        saving = state_dict_saver.async_save(
            {"model": weights, "optimizer": moments}, checkpoint_id=part, process_group=self._group
        )
        assert isinstance(saving, Future)
        self._pending = saving, part

    def settle(self) -> None:
        """Publish the pending checkpoint if it has been written by now; never waits."""
        # the first rank's part ends last: it writes `.metadata` when all others have reported
        if self._pending is not None and self._ranks.is_first and self._pending[0].done():
            self.finish()

    def finish(self) -> None:
        """Wait until the pending checkpoint is written, and publish it.

        Raises:
            Exception: whatever kept it from being written.
        """
        if self._pending is None:
            return
        saving, part = self._pending
        self._pending = None
        saving.result()
        if self._ranks.is_first:
            os.replace(part, part.with_suffix(""))
            for old in self._complete()[: -self._keep]:
                shutil.rmtree(old)

    def _complete(self) -> list[Path]:
        """Complete checkpoints, oldest first."""
        return sorted(path for path in self._folder.glob("step-*") if path.suffix != _PART)


@contextmanager
def exclusive_use(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the folder's lock, waiting for a run that an earlier attempt left behind.

    The kernel releases the lock when its holder ends, however it ends.
    """
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another training process still uses {folder}; waiting for it to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
