"""Checkpoints of a whole run: sharded weights and optimiser state, the place in the data, the curves so far.

    step-00000050.0001/      saved after step 50 by the holder of the lease's first term
        shard-*, index.json  weights and moments (`checkpoint_storage.py`)
        curves.jsonl         all metrics up to this step
        checkpoint.json      step, place in the data, identity of the run; written last, so that it marks completeness

Training goes on while a checkpoint is copied and written; the next optimiser step waits for the copy alone. What is
complete is never touched until a newer one is complete.
"""

import json
from collections import defaultdict
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.staging import DefaultStager, StagingOptions
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.checkpoint.state_dict_saver import AsyncSaveResponse

from components.training.train_reward_model.checkpoint_storage import StoreReader, StoreWriter
from components.training.train_reward_model.lease import Lease
from components.training.train_reward_model.metrics import Curves
from components.training.train_reward_model.parallel import Ranks
from components.training.train_reward_model.sampler import DataState
from themis_common.errors import TransientError, UserError
from themis_common.store import Store

_MARKER = "checkpoint.json"
_CURVES = "curves.jsonl"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a run stands: finished optimiser steps and the place in the data."""

    step: int
    data: DataState


class Checkpoints:
    """Saves, finds and restores the checkpoints of one run; all ranks call every method together.

    Args:
        identity: digest of what affects the result; checkpoints of another identity are refused.
        keep: how many complete checkpoints stay.
        lease: on the first rank, the right to write the folder.
    """

    def __init__(self, store: Store, identity: str, keep: int, ranks: Ranks, lease: Lease | None) -> None:
        self._store = store
        self._identity = identity
        self._keep = keep
        self._ranks = ranks
        self._lease = lease
        self._term = ranks.gather(lease.term if lease else 0)[0]
        # the save's own collectives run beside those of training and must not mix with them
        self._group = dist.new_group(backend="gloo")
        on_gpu = ranks.device.type == "cuda"
        # keeps its buffers: touching new memory takes longer than copying into it
        self._stager = DefaultStager(
            StagingOptions(
                use_pinned_memory=on_gpu,
                use_shared_memory=False,
                use_async_staging=True,
                use_non_blocking_copy=on_gpu,
            )
        )
        self._copied: Future[None] | None = None
        self._written: Future[None] | None = None
        if ranks.is_first:
            for name, files in self._found().items():
                if _MARKER not in files:
                    self._delete(name, files)

    def latest(self) -> str | None:
        """The name of the newest complete checkpoint; the same on all ranks."""
        found = max(self._complete(), default=None) if self._ranks.is_first else None
        return self._ranks.gather(found)[0]

    def load(self, name: str, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[Progress, Curves]:
        """Restore trained weights and optimiser state in place; each rank reads its own part.

        Raises:
            UserError: the checkpoint belongs to another run, or is damaged.
        """
        folder = self._store.child(name)
        run = json.loads(folder.read_bytes(_MARKER))
        if run["identity"] != self._identity:
            raise UserError(
                f"{folder.uri} belongs to a run with another configuration, data or initial model: "
                "choose another folder, or delete it"
            )
        weights, moments = _state(model, optimizer)
        tensors = _flat(weights, moments)
        try:
            state_dict_loader.load(tensors, storage_reader=StoreReader(folder), process_group=self._group)
        except CheckpointException as error:
            raise _cause(error) from error
        set_model_state_dict(model, weights, options=StateDictOptions(strict=False))
        set_optimizer_state_dict(model, optimizer, moments)
        curves = Curves.from_lines(folder.read_bytes(_CURVES).decode())
        return Progress(step=run["step"], data=DataState(**run["data"])), curves

    def save(
        self, progress: Progress, model: nn.Module, optimizer: torch.optim.Optimizer, curves: Curves
    ) -> None:
        """Start to copy and write a checkpoint; waits for the one before, not for this one."""
        self.finish()
        folder = self._store.child(f"step-{progress.step:08d}.{self._term:04d}")
        run = {"identity": self._identity, "step": progress.step, "data": asdict(progress.data)}
        lines = curves.snapshot()

        def complete() -> None:
            folder.write_bytes(_CURVES, lines.to_lines().encode())
            if self._lease is not None:
                self._lease.check()
            folder.write_bytes(_MARKER, json.dumps(run).encode())

        if self._ranks.device.type == "cuda":
            # the copy has a stream of its own, which does not wait for the optimiser's
            torch.cuda.synchronize(self._ranks.device)
        response = state_dict_saver.async_save(
            _flat(*_state(model, optimizer)),
            storage_writer=StoreWriter(folder, self._ranks.rank, complete),
            process_group=self._group,
            async_stager=self._stager,
        )
        assert isinstance(response, AsyncSaveResponse)
        self._copied, self._written = response.staging_completion, response.upload_completion

    def wait_for_copy(self) -> None:
        """Wait until the weights may change: until the pending checkpoint has been copied."""
        if self._copied is not None:
            self._copied.result()
            self._copied = None

    def finish(self) -> None:
        """Wait until the pending checkpoint is complete, and delete those that it makes superfluous.

        Raises:
            UserError: it cannot be written: the disk is full, or another run has taken the folder over.
        """
        self.wait_for_copy()
        if self._written is None:
            return
        written, self._written = self._written, None
        try:
            written.result()
        except CheckpointException as error:
            raise _cause(error) from error
        if self._ranks.is_first:
            found = self._found()
            for name in self._complete()[: -self._keep]:
                self._delete(name, found[name])

    def close(self) -> None:
        """Complete what is pending, however the run ends, and give the buffers back.

        Raises:
            UserError: as `finish`.
        """
        try:
            self.finish()
        finally:
            self._stager.close()

    def _found(self) -> dict[str, list[str]]:
        """The files of every checkpoint, complete or not."""
        found: dict[str, list[str]] = defaultdict(list)
        for path in self._store.list("step-"):
            name, _, file = path.partition("/")
            found[name].append(file)
        return found

    def _complete(self) -> list[str]:
        """Names of complete checkpoints, oldest first."""
        return sorted(name for name, files in self._found().items() if _MARKER in files)

    def _delete(self, name: str, files: list[str]) -> None:
        folder = self._store.child(name)
        # without its marker it is no checkpoint, whatever happens to the rest
        for file in sorted(files, key=lambda file: file != _MARKER):
            folder.delete(file)


def _state(model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[dict[str, Any], dict[str, Any]]:
    """Weights that are trained, and the optimiser's `state` and `param_groups`, by name of the weight."""
    return get_state_dict(model, optimizer, options=StateDictOptions(ignore_frozen_params=True))


def _flat(weights: dict[str, Any], moments: dict[str, Any]) -> dict[str, Tensor]:
    """The tensors alone: everything else that an optimiser has follows from the configuration."""
    tensors = {f"weights/{name}": tensor for name, tensor in weights.items()}
    for name, state in moments["state"].items():
        tensors |= {f"{moment}/{name}": tensor for moment, tensor in state.items()}
    return tensors


def _cause(error: CheckpointException) -> BaseException:
    """What a person can mend or another attempt may not meet, where a rank met that; otherwise all that happened."""
    causes = [cause for cause, _ in error.failures.values()]
    return next((cause for cause in causes if isinstance(cause, (UserError, TransientError))), error)
