"""Reward heads as data: which tensors a head is stored in, under their published names, and what they mean.

A head says its layout (names and shapes) for a given configuration, so that checkpoints can be recognised and checked
from their headers alone. What is computed with the tensors is written where the models are run; nothing here imports
torch.

Shapes: h hidden size of the body, K objectives, Q quantiles, V vocabulary.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
Config = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a checkpoint when the layout of its head is asked for.

    Attributes:
        hidden_size: of the body.
        stored: shapes of all its tensors.
    """

    config: Config
    hidden_size: int
    stored: Shapes


@dataclass(frozen=True, slots=True)
class Setting:
    """A number that the checkpoint's config.json gives, with what its authors' code takes where it does not."""

    key: str
    default: float

    def of(self, config: Config) -> float:
        """The value for a checkpoint."""
        value = config.get(self.key)
        return self.default if value is None else value


AS_STORED: Final = "as stored"
"""A width that no configuration gives: that of the tensor in the checkpoint."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """Linear layers with an activation between them, numbered as in a module list that holds other modules too.

    Attributes:
        prefix: what the names of all its tensors start with, up to the number of the layer.
        width: of the hidden layers.
        depth: how many hidden layers.
        stride: distance between the numbers of two layers (activations, norms and dropout are counted too).
        last_gap: by how much the last layer's number is smaller than its turn, where something is left out before it.
        norms: a batch norm follows each activation, two places after its layer.
        hidden_bias: whether the hidden layers have a bias; the last one always has.
    """

    prefix: str
    width: int | Setting | Literal["h", "as stored"]
    depth: int | Setting = 1
    stride: int = 1
    last_gap: int = 0
    norms: bool = False
    hidden_bias: bool = True
    activation: Literal["relu", "leaky_relu", "selu"] = "relu"

    def hidden_layers(self, config: Config) -> Iterator[str]:
        """Names of the hidden layers, without `.weight`."""
        for number in range(_number(self.depth, config)):
            yield f"{self.prefix}{number * self.stride}"

    def norm_after(self, layer: str) -> str:
        """Name of the batch norm that belongs to a hidden layer."""
        return f"{self.prefix}{int(layer.removeprefix(self.prefix)) + 2}"

    def last_layer(self, config: Config) -> str:
        """Name of the last layer, without `.weight`."""
        return f"{self.prefix}{_number(self.depth, config) * self.stride - self.last_gap}"

    def layout(self, known: Known, outputs: int) -> dict[str, Shape]:
        """Its tensors for a head with that many outputs."""
        width = self._width(known)
        shapes: dict[str, Shape] = {}
        inputs = known.hidden_size
        for layer in self.hidden_layers(known.config):
            shapes[f"{layer}.weight"] = (width, inputs)
            if self.hidden_bias:
                shapes[f"{layer}.bias"] = (width,)
            if self.norms:
                norm = self.norm_after(layer)
                shapes |= {
                    f"{norm}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")
                }
            inputs = width
        last = self.last_layer(known.config)
        return shapes | {f"{last}.weight": (outputs, inputs), f"{last}.bias": (outputs,)}

    def _width(self, known: Known) -> int:
        if self.width == "h":
            return known.hidden_size
        if self.width == AS_STORED:
            return known.stored.get(f"{next(self.hidden_layers(known.config))}.weight", (0,))[0]
        assert isinstance(self.width, int | Setting)
        return _number(self.width, known.config)


@dataclass(frozen=True, kw_only=True, slots=True)
class LinearHead:
    """One linear function of the hidden state."""

    weight: str
    bias: str = ""

    def layout(self, known: Known) -> dict[str, Shape]:
        """Weight (1, h) and perhaps bias (1,)."""
        return {self.weight: (1, known.hidden_size)} | ({self.bias: (1,)} if self.bias else {})


@dataclass(frozen=True, kw_only=True, slots=True)
class MlpHead:
    """Linear layers with activations between them, down to one value."""

    chain: Chain

    def layout(self, known: Known) -> dict[str, Shape]:
        """The tensors of the chain."""
        return self.chain.layout(known, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenLogitHead:
    """The logit of one vocabulary entry: one row of the output embedding (or of the input embedding it is tied to)."""

    weight: str
    token: int

    def layout(self, known: Known) -> dict[str, Shape]:
        """The output embedding (V, h), of which one row is read."""
        return {self.weight: (int(known.config.get("vocab_size") or 0), known.hidden_size)}


@dataclass(frozen=True, kw_only=True, slots=True)
class GatedHead:
    """Objectives scored at one position and weighted by a gate that looks at another.

    score = sum_k gate_k * reward_k, where reward is a linear function of the last hidden state (its mean over Q
    quantiles), perhaps multiplied by a stored matrix, and gate = softmax(chain(h) / temperature) * logit_scale.
    """

    regression: str
    objectives: int | Setting
    gate: Chain
    temperature: Setting
    quantiles: int | Setting = 1
    transform: str = ""
    logit_scale: str
    scales_gate: bool = True

    def shape(self, config: Config) -> tuple[int, int]:
        """(objectives, quantiles)."""
        return _number(self.objectives, config), _number(self.quantiles, config)

    def layout(self, known: Known) -> dict[str, Shape]:
        """Regression (K * Q, h), transform (K, K), gate, scale (1,)."""
        objectives, quantiles = self.shape(known.config)
        shapes: dict[str, Shape] = {self.regression: (objectives * quantiles, known.hidden_size)}
        if self.transform:
            shapes[self.transform] = (objectives, objectives)
        return shapes | self.gate.layout(known, objectives) | {self.logit_scale: (1,)}


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelDistributionHead:
    """Each objective is a distribution over bins of [0, 1]; the score is the gated sum of their means.

    score = sum_b lin_b sum_o gate_o p_ob with p = softmax over bins, lin = linspace(0, 1, bins).
    """

    regression: Chain
    gate: Chain
    objectives: int
    bins: int
    softmax: Setting

    def layout(self, known: Known) -> dict[str, Shape]:
        """The tensors of both chains."""
        regression = self.regression.layout(known, self.objectives * self.bins)
        return regression | self.gate.layout(known, self.objectives)


@dataclass(frozen=True, kw_only=True, slots=True)
class NormalDistributionHead:
    """Each objective is a normal distribution; the score is the gated sum of their means.

    score = sum_k gate_k * mean_k, where mean_k and the spread of objective k are the outputs 2k and 2k + 1 of a
    linear function without bias. No score depends on a spread.
    """

    regression: str
    gate: Chain

    def layout(self, known: Known) -> dict[str, Shape]:
        """Regression (2 K, h), where a classifier of 2 K labels has K objectives, and the tensors of the gate."""
        objectives = _labels(known.config) // 2
        regression = {self.regression: (2 * objectives, known.hidden_size)}
        return regression | self.gate.layout(known, objectives)


@dataclass(frozen=True, kw_only=True, slots=True)
class RandomHead:
    """No stored head: a linear one is drawn at random, to show what a body is worth untrained."""

    weight: str = "score.weight"

    def layout(self, _: Known) -> dict[str, Shape]:
        """Nothing is stored."""
        return {}


Head = (
    LinearHead
    | MlpHead
    | TokenLogitHead
    | GatedHead
    | LabelDistributionHead
    | NormalDistributionHead
    | RandomHead
)


def _number(value: int | Setting, config: Config) -> int:
    return int(value.of(config)) if isinstance(value, Setting) else value


def _labels(config: Config) -> int:
    # as transformers counts them, which writes down their names alone
    return int(config.get("num_labels") or len(config.get("id2label") or ()) or 2)
