"""Ranks and sharding: PyTorch's FSDP2 over all ranks, on GPUs with NCCL and on CPUs with gloo alike.

Every decoder layer is a group of its own, gathered when its turn comes; the embeddings, the final norm and an untied
output embedding form the root group; the reward head is a group that computes in float32.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from transformers import PretrainedConfig

from components.training.train_reward_model.config import TrainRewardModelConfig
from themis_common.errors import UserError
from themis_common.modeling.model import RewardModel, empty_reward_model

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """One process among its peers."""

    rank: int
    world: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this rank writes files and talks."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Add `values` (in place) over all ranks."""
        dist.all_reduce(values)
        return values

    def gather(self, value: T) -> list[T]:
        """The `value` of every rank, in the order of ranks."""
        gathered: list[Any] = [None] * self.world
        dist.all_gather_object(gathered, value)
        return gathered


@contextmanager
def joined_ranks(config: TrainRewardModelConfig) -> Iterator[Ranks]:
    """Join the process group that torchrun describes, and leave it together at the end.

    Raises:
        UserError: GPUs are asked for and there are none.
    """
    local_rank = int(os.environ["LOCAL_RANK"])
    gpus = torch.cuda.device_count()
    if config.device == "cuda" and not gpus:
        raise UserError("device is cuda, but this machine has no usable GPU: set device to cpu or auto")
    use_cuda = config.device != "cpu" and gpus > 0
    torch.set_num_threads(config.threads)
    if use_cuda:
        if local_rank >= gpus:
            raise UserError(f"process {local_rank} has no GPU of its own (found {gpus}): lower processes")
        torch.cuda.set_device(local_rank)
    dist.init_process_group(
        "nccl" if use_cuda else "gloo", timeout=timedelta(minutes=config.collective_minutes)
    )
    device = torch.device("cuda", local_rank) if use_cuda else torch.device("cpu")
    try:
        yield Ranks(rank=dist.get_rank(), world=dist.get_world_size(), device=device)
        # without it, gloo on a slow rank meets closed sockets while it is torn down
        dist.barrier()
    finally:
        dist.destroy_process_group()


def make_sharded_model(
    config: PretrainedConfig, training: TrainRewardModelConfig, ranks: Ranks
) -> RewardModel:
    """A sharded model with float32 weights that are still to be loaded; its reward head is zero.

    It is laid out without memory first, so that no rank ever holds more than its shards.
    """
    model = empty_reward_model(config)
    if training.kernels == "liger":
        _apply_liger(model, ranks)
    if training.recompute:
        # transformers 5.23 renamed the method
        enable = getattr(
            model.body, "activation_checkpointing_enable", model.body.gradient_checkpointing_enable
        )
        enable({"use_reentrant": False})
    _shard(model, training, ranks)
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model.to_empty(device=ranks.device)
    for name, buffer in model.named_buffers():
        buffer.copy_(buffers[name])
    nn.init.zeros_(model.reward_head.weight)
    return model


def _shard(model: RewardModel, training: TrainRewardModelConfig, ranks: Ranks) -> None:
    mesh = init_device_mesh(ranks.device.type, (ranks.world,))
    policy = MixedPrecisionPolicy(
        param_dtype=getattr(torch, training.compute_dtype), reduce_dtype=getattr(torch, training.reduce_dtype)
    )
    exact = MixedPrecisionPolicy(param_dtype=torch.float32, reduce_dtype=torch.float32)
    layers = model.body.get_submodule("layers")
    assert isinstance(layers, nn.ModuleList)
    for layer in layers:
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(model.reward_head, mesh=mesh, mp_policy=exact)
    fully_shard(model, mesh=mesh, mp_policy=policy)


def _apply_liger(model: RewardModel, ranks: Ranks) -> None:
    if ranks.device.type != "cuda":
        raise UserError("kernels is liger, which runs on GPUs only: set kernels to plain")
    try:
        from liger_kernel.transformers.monkey_patch import MODEL_TYPE_TO_APPLY_LIGER_FN
    except ImportError as error:
        raise UserError(
            f"kernels is liger, but it cannot be imported ({error}): install themis[liger]"
        ) from error
    if model.config.model_type not in MODEL_TYPE_TO_APPLY_LIGER_FN:
        raise UserError(
            f"liger has no kernels for model type {model.config.model_type!r}: set kernels to plain"
        )
    # the loss is our own; its fused one would be a second way to compute it
    MODEL_TYPE_TO_APPLY_LIGER_FN[model.config.model_type](fused_linear_cross_entropy=False, model=model.body)
