"""What each scalar architecture computes, written out from facts/evaluation.md section 4 for one conversation."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import leaky_relu, relu, selu

Tensors = Mapping[str, Tensor]
Head = Callable[[Tensors, Tensor, Sequence[int], Mapping[str, Any]], Tensor]

LLAMA3_ANSWER = [128009, 128006, 78191, 128007, 271]
GEMMA_ANSWER = [107, 108, 106, 2516, 108]


def last_start(ids: Sequence[int], pattern: Sequence[int]) -> int:
    """Where a pattern begins for the last time."""
    return max(start for start in range(len(ids)) if list(ids[start : start + len(pattern)]) == list(pattern))


def _layer(tensors: Tensors, name: str, inputs: Tensor) -> Tensor:
    return tensors[f"{name}.weight"] @ inputs + tensors.get(f"{name}.bias", 0)


def _linear(name: str) -> Head:
    return lambda tensors, states, ids, config: _layer(tensors, name, states[-1])


def _mlp(name: str) -> Head:
    def head(tensors: Tensors, states: Tensor, ids: Sequence[int], config: Mapping[str, Any]) -> Tensor:
        return _layer(tensors, f"{name}.2", relu(_layer(tensors, f"{name}.0", states[-1])))

    return head


def armo(tensors: Tensors, states: Tensor, ids: Sequence[int], config: Mapping[str, Any]) -> Tensor:
    """Section 4.4."""
    rewards = tensors["regression_layer.weight"] @ states[-1]
    gate = states[last_start(ids, LLAMA3_ANSWER)]
    for number in range(3):
        gate = relu(_layer(tensors, f"gating.layers.{number}", gate))
    gate = torch.softmax(_layer(tensors, "gating.layers.3", gate) / 10, dim=0) * tensors["gating.logit_scale"]
    return (gate * (rewards @ tensors["reward_transform_matrix"])).sum()


def _quantiles(
    linears: Sequence[int], norms: Sequence[int], pattern: Sequence[int], temperature: float, scaled: bool
) -> Head:
    def head(tensors: Tensors, states: Tensor, ids: Sequence[int], config: Mapping[str, Any]) -> Tensor:
        rewards = (tensors["regression_layer.weight"] @ states[-1]).reshape(5, 19).mean(dim=1)
        gate = states[last_start(ids, pattern)]
        for linear, norm in zip(linears, norms, strict=False):
            gate = relu(_layer(tensors, f"gating.layers.{linear}", gate))
            mean, var, weight, bias = (
                tensors[f"gating.layers.{norm}.{part}"]
                for part in ("running_mean", "running_var", "weight", "bias")
            )
            gate = (gate - mean) / torch.sqrt(var + 1e-5) * weight + bias
        gate = torch.softmax(_layer(tensors, f"gating.layers.{linears[-1]}", gate) / temperature, dim=0)
        return ((gate * tensors["gating.logit_scale"] if scaled else gate) * rewards).sum()

    return head


def ldl(tensors: Tensors, states: Tensor, ids: Sequence[int], config: Mapping[str, Any]) -> Tensor:
    """Section 4.10."""
    outputs = states[-1]
    for number in (0, 2):
        outputs = leaky_relu(_layer(tensors, f"regression_layer.network.{number}", outputs))
    bins = _layer(tensors, "regression_layer.network.4", outputs).reshape(22, 10).softmax(dim=1)
    gate = states[-1]
    for number in (0, 3):
        gate = leaky_relu(_layer(tensors, f"gating_layer.network.{number}", gate))
    gate = _layer(tensors, "gating_layer.network.6", gate)
    if config.get("softmax"):
        gate = gate.softmax(dim=0)
    return sum(b / 9 * (gate * bins[:, b]).sum() for b in range(10))  # type: ignore[return-value]


def urm(tensors: Tensors, states: Tensor, ids: Sequence[int], config: Mapping[str, Any]) -> Tensor:
    """Section 4.1, with the layout of SGLang's class for this checkpoint."""
    gate = states[-1]
    for number in (0, 2):
        gate = selu(_layer(tensors, f"weights.fc.{number}", gate))
    gate = _layer(tensors, "weights.fc.4", gate)
    objectives = (tensors["score.weight"] @ states[-1]).reshape(5, 2)  # mean and spread
    return (gate * objectives[:, 0]).sum()


def athene(tensors: Tensors, states: Tensor, ids: Sequence[int], config: Mapping[str, Any]) -> Tensor:
    """Section 4.7."""
    return tensors["v_head.weight"] @ states[last_start(ids, [128003])]


def nemotron(tensors: Tensors, states: Tensor, ids: Sequence[int], config: Mapping[str, Any]) -> Tensor:
    """Section 4.13: the logit of vocabulary entry 0 of the whole output layer."""
    return (tensors["lm_head.weight"] @ states[-1])[0]


HEADS: dict[str, Head] = {
    "seqcls": _linear("score"),
    "armo": armo,
    "qrm-gemma": _quantiles((0, 4, 8, 11), (2, 6, 10), GEMMA_ANSWER, 1, True),
    "qrm-llama": _quantiles((0, 3, 6, 9), (2, 5, 8), LLAMA3_ANSWER, 10, False),
    "athene": athene,
    "inform": _mlp("score"),
    "qwen2-reward": _mlp("score"),
    "worldpm": _mlp("score"),
    "acecode": _linear("v_head.summary"),
    "grm": _mlp("v_head.summary"),
    "grm-linear": _linear("v_head.summary"),
    "ldl": ldl,
    "internlm2": _linear("v_head"),
    "nemotron": nemotron,
    "starling": _linear("v_head"),
    "eurus": _linear("regression_head"),
    "ultra": _linear("regression_head"),
    "urm": urm,
}
