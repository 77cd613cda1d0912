"""Low-rank adapters (LoRA, arXiv 2106.09685) on the linear layers of a frozen decoder, by peft.

An adapted layer computes W x + scale * up (down x). `up` starts at zero, so that training starts from the model as it
came, and what is stored in the end is W + scale * up down: folders never hold an adapter.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from themis_common.errors import UserError
from themis_common.hashing import rng
from themis_common.modeling.model import RewardModel

_NAME = "default"
_DOWN, _UP, _BASE = f".lora_A.{_NAME}.weight", f".lora_B.{_NAME}.weight", ".base_layer"


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """The adapter of one linear layer with I inputs and O outputs: down (r, I), up (O, r)."""

    down: Tensor
    up: Tensor
    scale: float

    def merge_into(self, weight: Tensor, gathered: Callable[[Tensor], Tensor]) -> Tensor:
        """W + scale * up down, (O, I) float32.

        Args:
            weight: W, whole.
            gathered: makes a whole tensor of a sharded one; a collective.
        """
        return torch.addmm(weight.float(), gathered(self.up), gathered(self.down), alpha=self.scale)


def add_adapters(
    model: RewardModel, *, rank: int, alpha: int, targets: Collection[str], frozen_dtype: torch.dtype
) -> None:
    """Freeze the decoder and its output embedding, in `frozen_dtype`, and put float32 adapters beside linear layers.

    The adapters are on the meta device and have no values; see `initialise_adapters`.

    Args:
        targets: last parts of the names of linear layers of the decoder; none for all of them.

    Raises:
        UserError: a target names no linear layer.
    """
    from peft import LoraConfig, inject_adapter_in_model

    known = {
        name.rpartition(".")[2] for name, part in model.body.named_modules() if isinstance(part, nn.Linear)
    }
    for target in targets:
        if target not in known:
            raise UserError(
                f"lora_targets: the model has no linear layer {target!r}; it has {', '.join(sorted(known))}"
            )
    frozen = [
        parameter for name, parameter in model.named_parameters() if not name.startswith("reward_head.")
    ]
    for parameter in frozen:
        parameter.requires_grad_(False)
        parameter.data = parameter.data.to(frozen_dtype)
    adapters = LoraConfig(
        r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=sorted(targets or known), bias="none"
    )
    inject_adapter_in_model(adapters, model.body, adapter_name=_NAME, low_cpu_mem_usage=True)


@torch.no_grad()
def initialise_adapters(model: RewardModel, seed: int) -> None:
    """Give the adapters their first values: `down` uniform as the weight of a linear layer, `up` zero.

    They depend on the seed and the name of the layer, not on the number of ranks.
    """
    for name, adapter in adapters(model).items():
        bound = 1 / math.sqrt(adapter.down.shape[1])
        generator = torch.Generator().manual_seed(rng(seed, name, "lora").getrandbits(63))
        values = torch.empty(adapter.down.shape).uniform_(-bound, bound, generator=generator)
        if isinstance(adapter.down, DTensor):
            mesh, placements = adapter.down.device_mesh, adapter.down.placements
            # every rank has drawn all values: none has to be sent
            sharded = distribute_tensor(values.to(mesh.device_type), mesh, placements, src_data_rank=None)
            adapter.down.copy_(sharded.to(adapter.down.device))
        else:
            adapter.down.copy_(values)
        nn.init.zeros_(adapter.up)


def adapters(model: RewardModel) -> dict[str, Adapter]:
    """The adapters by the name that the adapted weight has in a model without adapters."""
    parameters = dict(model.named_parameters())
    found = {}
    for name, down in parameters.items():
        if name.endswith(_DOWN):
            layer = name.removesuffix(_DOWN)
            scale: float = cast(Any, model.get_submodule(layer)).scaling[_NAME]
            found[f"{layer}.weight"] = Adapter(down=down, up=parameters[layer + _UP], scale=scale)
    return found


def is_adapter(name: str) -> bool:
    """Whether a parameter belongs to an adapter."""
    return name.endswith((_DOWN, _UP))


def plain_name(name: str) -> str:
    """The name that a parameter has in a model without adapters."""
    return name.replace(f"{_BASE}.", ".")
