"""Ranks and sharding: PyTorch's FSDP2 over all ranks, on GPUs with NCCL and on CPUs with gloo alike.

Every decoder layer is a group of its own, gathered when its turn comes; the embeddings, the final norm and an untied
output embedding form the root group; the reward head is a group that computes in float32. The shards of a model lie on
all ranks, or on groups of neighbours that hold a copy each (HSDP).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import CPUOffloadPolicy, MixedPrecisionPolicy, OffloadPolicy, fully_shard
from transformers import PretrainedConfig

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.kernels import apply_kernels
from components.training.train_reward_model.recompute import recompute_layers
from themis_common.errors import UserError
from themis_common.modeling.adapters import add_adapters, initialise_adapters
from themis_common.modeling.model import RewardModel, decoder_layers, empty_reward_model

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
    # gloo beside NCCL, because offloaded gradients have their norm summed in CPU memory
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if use_cuda else "gloo", timeout=timedelta(minutes=config.collective_minutes)
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
    """A sharded model whose stored weights are still to be loaded; its reward head and its adapters change nothing.

    Weights that are trained are float32. The model is laid out without memory first, so that no rank ever holds more
    than its shards.

    Raises:
        UserError: the shape of the mesh, the kernels or the adapters do not fit.
    """
    mesh = _mesh(training.shard_size, ranks)
    model = empty_reward_model(config)
    apply_kernels(model, training.kernels, ranks.device)
    if training.lora_rank:
        add_adapters(
            model,
            rank=training.lora_rank,
            alpha=training.lora_alpha,
            targets=training.lora_targets,
            frozen_dtype=getattr(torch, training.compute_dtype),
        )
    recompute_layers(decoder_layers(model), training.recompute)
    _shard(model, mesh, training, ranks.device)
    _give_memory(model, torch.device("cpu") if training.offload else ranks.device)
    nn.init.zeros_(model.reward_head.weight)
    initialise_adapters(model, training.seed)
    return model


def _mesh(shard_size: int, ranks: Ranks) -> DeviceMesh:
    """One row of ranks for each copy of the model; neighbours, which share a machine, shard it between them."""
    size = shard_size or ranks.world
    if ranks.world % size:
        raise UserError(
            f"shard_size is {size}, which does not divide the {ranks.world} processes: set a divisor, or 0 for all"
        )
    if size == ranks.world:
        return init_device_mesh(ranks.device.type, (ranks.world,))
    return init_device_mesh(
        ranks.device.type, (ranks.world // size, size), mesh_dim_names=("replicate", "shard")
    )


def _shard(
    model: RewardModel, mesh: DeviceMesh, training: TrainRewardModelConfig, device: torch.device
) -> None:
    policy = MixedPrecisionPolicy(
        param_dtype=getattr(torch, training.compute_dtype), reduce_dtype=getattr(torch, training.reduce_dtype)
    )
    exact = MixedPrecisionPolicy(param_dtype=torch.float32, reduce_dtype=torch.float32)
    where = CPUOffloadPolicy(pin_memory=device.type == "cuda") if training.offload else OffloadPolicy()
    for layer in decoder_layers(model):
        fully_shard(layer, mesh=mesh, mp_policy=policy, offload_policy=where)
    fully_shard(model.reward_head, mesh=mesh, mp_policy=exact, offload_policy=where)
    fully_shard(model, mesh=mesh, mp_policy=policy, offload_policy=where)


def _give_memory(model: RewardModel, parameters_on: torch.device) -> None:
    """Replace meta tensors by real ones; buffers, which sharding has put where they belong, stay as they are."""
    buffers = dict(model.named_buffers())
    model.to_empty(device=parameters_on)
    for name, buffer in buffers.items():
        owner, _, attribute = name.rpartition(".")
        setattr(model.get_submodule(owner), attribute, buffer)
