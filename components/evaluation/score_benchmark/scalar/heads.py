"""What each kind of reward head computes, in float32, from the tensors of a checkpoint.

Shapes: N conversations, P positions that the architecture reads, h hidden size, K objectives, Q quantiles.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import batch_norm, leaky_relu, linear, relu, selu

from themis_common.architectures.heads import (
    Chain,
    GatedHead,
    Head,
    LabelDistributionHead,
    LinearHead,
    MlpHead,
    NormalDistributionHead,
    RandomHead,
    TokenLogitHead,
)

_ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "relu": relu,
    "leaky_relu": leaky_relu,
    "selu": selu,
}


@dataclass(frozen=True, slots=True)
class LoadedHead:
    """A head with its tensors, float32, under their published names."""

    spec: Head
    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any]

    def to(self, device: torch.device) -> "LoadedHead":
        """The same on another device."""
        return LoadedHead(
            self.spec, {name: tensor.to(device) for name, tensor in self.tensors.items()}, self.config
        )

    def score(self, hidden: Tensor) -> Tensor:
        """Scores, (N,) float32, of hidden states (N, P, h)."""
        hidden = hidden.float()
        last = hidden[:, 0]
        match self.spec:
            case LinearHead(weight=weight, bias=bias):
                return linear(last, self.tensors[weight], self.tensors.get(bias)).squeeze(-1)
            case RandomHead(weight=weight) | TokenLogitHead(weight=weight):
                return linear(last, self.tensors[weight]).squeeze(-1)
            case MlpHead(chain=chain):
                return self._chain(chain, last).squeeze(-1)
            case GatedHead() as spec:
                return self._gated(spec, last, hidden[:, 1])
            case LabelDistributionHead() as spec:
                return self._label_distribution(spec, last)
            case NormalDistributionHead(regression=regression, gate=gate):
                means = linear(last, self.tensors[regression][::2])  # (N, K)
                return (self._chain(gate, last) * means).sum(dim=-1)

    def _gated(self, spec: GatedHead, last: Tensor, asked: Tensor) -> Tensor:
        rewards = linear(last, self.tensors[spec.regression])
        rewards = rewards.reshape(-1, *spec.shape(self.config))  # (N, K, Q)
        objectives = rewards.mean(dim=-1)
        if spec.transform:
            objectives = objectives @ self.tensors[spec.transform]
        gate = torch.softmax(
            self._chain(spec.gate, asked) / spec.temperature.of(self.config), dim=-1
        )  # (N, K)
        if spec.scales_gate:
            gate = gate * self.tensors[spec.logit_scale]
        return (gate * objectives).sum(dim=-1)

    def _label_distribution(self, spec: LabelDistributionHead, last: Tensor) -> Tensor:
        logits = self._chain(spec.regression, last).reshape(-1, spec.objectives, spec.bins)
        bins = torch.linspace(0, 1, spec.bins, device=last.device)
        means = torch.softmax(logits, dim=-1) @ bins  # (N, K)
        gate = self._chain(spec.gate, last)
        if spec.softmax.of(self.config):
            gate = torch.softmax(gate, dim=-1)
        return (gate * means).sum(dim=-1)

    def _chain(self, chain: Chain, inputs: Tensor) -> Tensor:
        activation = _ACTIVATIONS[chain.activation]
        for layer in chain.hidden_layers(self.config):
            inputs = activation(self._layer(layer, inputs))
            if chain.norms:
                inputs = self._norm(chain.norm_after(layer), inputs)
        return self._layer(chain.last_layer(self.config), inputs)

    def _layer(self, name: str, inputs: Tensor) -> Tensor:
        return linear(inputs, self.tensors[f"{name}.weight"], self.tensors.get(f"{name}.bias"))

    def _norm(self, name: str, inputs: Tensor) -> Tensor:
        mean, var, weight, bias = (
            self.tensors[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return batch_norm(inputs, mean, var, weight, bias)
