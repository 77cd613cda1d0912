"""AdamW over float32 weights, and the norm of their gradients."""

import torch
from torch import nn
from torch.distributed.tensor import DTensor

from components.training.train_reward_model.config import TrainRewardModelConfig


def make_optimizer(model: nn.Module, config: TrainRewardModelConfig) -> torch.optim.AdamW:
    """AdamW over what is trained, in which, unless told otherwise, matrices decay and norm weights do not."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    decayed = [p for p in parameters if p.ndim >= 2 or config.decay == "all"]
    others = [p for p in parameters if p.ndim < 2 and config.decay != "all"]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}]
    if others:
        groups.append({"params": others, "weight_decay": 0.0})
    return torch.optim.AdamW(
        groups,
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        eps=config.epsilon,
        # offloaded weights are many, and one pass over CPU memory is several times faster than one for each operation
        fused=parameters[0].is_cuda or config.offload,
        foreach=False if not parameters[0].is_cuda else None,
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    """Let the next step run at `value`."""
    for group in optimizer.param_groups:
        group["lr"] = value


def clip_gradients(model: nn.Module, max_norm: float) -> torch.Tensor:
    """Scale all gradients down to a total norm of `max_norm`, unless that is 0; returns the norm before, () float32."""
    parameters = [parameter for parameter in model.parameters() if parameter.grad is not None]
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients)
    if isinstance(norm, DTensor):
        norm = norm.full_tensor()
    if max_norm:
        torch.nn.utils.clip_grads_with_norm_(parameters, max_norm, norm)
    return norm
