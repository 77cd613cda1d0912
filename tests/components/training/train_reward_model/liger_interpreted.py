"""Liger's kernels on a CPU, in Triton's interpreter, beside what they stand in for.

`TRITON_INTERPRET=1 python -m tests.components.training.train_reward_model.liger_interpreted FOLDER` computes a pack by
a small Qwen3, plain and with `kernels: liger`, and the cross-entropy of labelled rows, by our sum in chunks and by
Liger's loss. It writes outputs and gradients of either side, `plain.safetensors` and `liger.safetensors`, and the names
of the kernels that have run, `kernels.json`. A process of its own, because Liger changes transformers' modules for good
and Triton reads the variable when it is imported.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import triton.language as tl
from liger_kernel.ops import rms_norm
from liger_kernel.transformers import LigerFusedLinearCrossEntropyLoss
from safetensors.torch import save_file
from torch import Tensor
from triton.runtime import interpreter

from components.training.train_reward_model.kernels import apply_kernels
from tests.benchmarks.length_sets import PairLengths, token_pairs
from tests.fixtures.small_qwen3 import qwen3_config
from themis_common.modeling.losses import bradley_terry_sum, linear_cross_entropy_sum, magnitude_sum
from themis_common.modeling.model import RewardModel
from themis_common.modeling.packing import pack_pairs

VOCABULARY = 97
LENGTHS = [PairLengths(prompt=9, chosen=6, rejected=1), PairLengths(prompt=3, chosen=2, rejected=8)]
CrossEntropy = Callable[[Tensor, Tensor, Tensor], Tensor]


def complete_interpreter() -> set[str]:
    """Add what Triton's interpreter lacks of its compiler; returns the names of kernels, which grow as they run.

    Up to Triton 3.9 it hands floats to a kernel as Python has them, and its libdevice computes nothing.
    """
    convert, execute = interpreter._implicit_cvt, interpreter.GridExecutor.__call__
    ran: set[str] = set()

    def convert_floats_too(argument: Any) -> Any:
        if not isinstance(argument, float):
            return convert(argument)
        return tl.tensor(interpreter.TensorHandle(np.array([argument], np.float32), tl.float32), tl.float32)

    def remember(self: Any, *arguments: Any, **options: Any) -> None:
        ran.add(self.fn.__name__)
        execute(self, *arguments, **options)

    def rsqrt(value: Any) -> Any:
        # looked up at every call, because the interpreter puts its own in the place of Triton's while a kernel runs
        return tl.math.rsqrt(value)

    interpreter._implicit_cvt = convert_floats_too
    interpreter.GridExecutor.__call__ = remember
    rms_norm.rsqrt = rsqrt
    return ran


def computed_pack(kernels: str) -> dict[str, Tensor]:
    """Rewards, language-model loss and all gradients of the objective."""
    # large weights, so that a wrong factor shows
    config = qwen3_config(vocabulary=VOCABULARY, initializer_range=0.3)
    torch.manual_seed(5)
    model = RewardModel(config)
    torch.nn.init.normal_(model.reward_head.weight, std=0.3)
    # they are refused on a CPU, where nobody would wait for the interpreter
    apply_kernels(model, kernels, torch.device("cuda"))
    outputs = model(pack_pairs(token_pairs(LENGTHS, VOCABULARY, seed=1)))
    loss = bradley_terry_sum(outputs.chosen, outputs.rejected) + outputs.lm_loss
    (loss + 0.1 * magnitude_sum(outputs.chosen, outputs.rejected, "centre")).backward()
    found = {name: tensor.detach() for name, tensor in outputs._asdict().items()}
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        found[f"gradient.{name}"] = parameter.grad
    return found


def computed_cross_entropy(cross_entropy: CrossEntropy) -> dict[str, Tensor]:
    """The sum over labelled rows, and its gradients."""
    generator = torch.Generator().manual_seed(3)
    hidden = torch.randn(20, 16, generator=generator, requires_grad=True)
    weight = torch.randn(VOCABULARY, 16, generator=generator, requires_grad=True)
    labels = torch.randint(0, VOCABULARY, (20,), generator=generator)
    loss = cross_entropy(hidden, weight, labels)
    gradients = torch.autograd.grad(loss, (hidden, weight))
    return {"loss": loss.detach(), "gradient.hidden": gradients[0], "gradient.weight": gradients[1]}


def main(folder: Path) -> None:
    """Compute everything in both ways."""
    ran = complete_interpreter()
    liger_loss = LigerFusedLinearCrossEntropyLoss(reduction="sum", accum_dtype=torch.float32)
    ways: dict[str, CrossEntropy] = {
        "plain": linear_cross_entropy_sum,
        "liger": lambda hidden, weight, labels: liger_loss(weight, hidden, labels),
    }
    for kernels, cross_entropy in ways.items():
        losses = computed_cross_entropy(cross_entropy)
        found = computed_pack(kernels) | {f"cross_entropy.{name}": value for name, value in losses.items()}
        assert bool(ran) == (kernels == "liger")
        save_file(found, folder / f"{kernels}.safetensors")
    (folder / "kernels.json").write_text(json.dumps(sorted(ran)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
