"""Saves or loads a sharded state at any number of ranks: `torchrun -m ... save|load LOCATION OUTPUT`.

The state is that of a small network after one optimiser step, with weights whose rows do not divide evenly.
"""

import sys

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from components.training.train_reward_model.checkpoint import Checkpoints, Progress
from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.metrics import Curves, metric_rows
from components.training.train_reward_model.parallel import joined_ranks
from components.training.train_reward_model.sampler import DataState
from themis_common.store import open_store

PROGRESS = Progress(step=7, data=DataState(seed=3, epoch=1, cursor=5))
CURVES = Curves(results=metric_rows(7, {"loss/total": 0.5}), speed=metric_rows(7, {"speed/x": 2.0}))


def make(seed: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The network, sharded, after a step."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Embedding(7, 5), nn.Linear(5, 4), nn.Linear(4, 1, bias=False))
    model[1].bfloat16()
    mesh = init_device_mesh("cpu", (torch.distributed.get_world_size(),))
    for layer in model:
        fully_shard(layer, mesh=mesh)
    optimizer = torch.optim.AdamW(model.parameters(), foreach=False)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 0.5)
    optimizer.step()
    return model, optimizer


def whole(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Weights and moments, gathered."""
    found = {}
    for name, parameter in model.named_parameters():
        state = optimizer.state[parameter]
        for kind, tensor in {"weight": parameter.detach(), **state}.items():
            full = tensor.full_tensor() if isinstance(tensor, DTensor) else tensor
            found[f"{kind}/{name}"] = full.clone()
    return found


def main(action: str, location: str, output: str) -> None:
    """Save the state of seed 1, or load it over that of seed 2, and write what there is then."""
    config = TrainRewardModelConfig(device="cpu")
    with joined_ranks(config) as ranks:
        checkpoints = Checkpoints(open_store(location), "job", 1, ranks, lease=None)
        model, optimizer = make(1 if action == "save" else 2)
        if action == "save":
            checkpoints.save(PROGRESS, model, optimizer, CURVES)
            checkpoints.finish()
        else:
            latest = checkpoints.latest()
            assert latest is not None
            assert checkpoints.load(latest, model, optimizer) == (PROGRESS, CURVES)
        tensors = whole(model, optimizer)
        if ranks.is_first:
            torch.save(tensors, output)
        checkpoints.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
