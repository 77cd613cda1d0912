"""Shapes of decoders: the published Qwen3 ones by name, any other from a model folder; and their parameters, counted.

Source: facts/training.md section 1 (public configurations of the base models).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from themis_common.errors import UserError

_FAMILIES = ("llama", "qwen2", "qwen3")


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelShape:
    """A decoder with gated MLPs, grouped attention heads and a reward head; all sizes are numbers of elements.

    Attributes:
        hidden: width of the hidden states.
        mlp: width inside the MLPs.
        heads, key_value_heads: of attention, each `head_dim` wide.
        vocabulary: rows of the embedding.
        tied: whether input and output embedding are one matrix.
        head_norms: whether queries and keys are normalised by head, as in Qwen3.
        attention_bias: whether query, key and value projections have a bias, as in Qwen2.
    """

    hidden: int
    layers: int
    heads: int
    key_value_heads: int
    mlp: int
    vocabulary: int
    tied: bool
    head_dim: int = 128
    head_norms: bool = True
    attention_bias: bool = False

    @property
    def query_width(self) -> int:
        """Elements of all query heads of a token."""
        return self.heads * self.head_dim

    @property
    def key_width(self) -> int:
        """Elements of all key heads of a token; values have as many."""
        return self.key_value_heads * self.head_dim

    @property
    def layer_matrices(self) -> dict[str, tuple[int, int]]:
        """(inputs, outputs) of the linear maps of a layer, by the names that transformers gives them."""
        return {
            "q_proj": (self.hidden, self.query_width),
            "k_proj": (self.hidden, self.key_width),
            "v_proj": (self.hidden, self.key_width),
            "o_proj": (self.query_width, self.hidden),
            "gate_proj": (self.hidden, self.mlp),
            "up_proj": (self.hidden, self.mlp),
            "down_proj": (self.mlp, self.hidden),
        }

    @property
    def layer_matrix_parameters(self) -> int:
        """Elements of the linear maps of one layer: what every token is multiplied with."""
        return sum(inputs * outputs for inputs, outputs in self.layer_matrices.values())

    @property
    def layer_parameters(self) -> int:
        """All of one layer."""
        norms = 2 * self.hidden + (2 * self.head_dim if self.head_norms else 0)
        biases = self.query_width + 2 * self.key_width if self.attention_bias else 0
        return self.layer_matrix_parameters + norms + biases

    @property
    def root_parameters(self) -> int:
        """What no layer holds, the reward head aside: embeddings and final norm."""
        return (1 if self.tied else 2) * self.vocabulary * self.hidden + self.hidden

    @property
    def parameters(self) -> int:
        """All, with the reward head."""
        return self.layers * self.layer_parameters + self.root_parameters + self.hidden

    def adapter_parameters(self, rank: int, targets: tuple[str, ...]) -> int:
        """Of low-rank adapters on the named maps of every layer.

        Raises:
            UserError: a name is none of `layer_matrices`.
        """
        matrices = self.layer_matrices
        for target in targets:
            if target not in matrices:
                raise UserError(f"lora_targets: unknown map {target!r}; known: {', '.join(matrices)}")
        return self.layers * rank * sum(sum(matrices[target]) for target in targets)


def _qwen3(hidden: int, layers: int, heads: int, mlp: int, *, tied: bool) -> ModelShape:
    return ModelShape(
        hidden=hidden,
        layers=layers,
        heads=heads,
        key_value_heads=8,
        mlp=mlp,
        vocabulary=151_936,
        tied=tied,
    )


PUBLISHED: dict[str, ModelShape] = {
    "Qwen/Qwen3-0.6B": _qwen3(1024, 28, 16, 3072, tied=True),
    "Qwen/Qwen3-1.7B": _qwen3(2048, 28, 16, 6144, tied=True),
    "Qwen/Qwen3-4B": _qwen3(2560, 36, 32, 9728, tied=True),
    "Qwen/Qwen3-8B": _qwen3(4096, 36, 32, 12288, tied=False),
    "Qwen/Qwen3-14B": _qwen3(5120, 40, 40, 17408, tied=False),
    "Qwen/Qwen3-32B": _qwen3(5120, 64, 64, 25600, tied=False),
}
"""The base models of the published reward models, by their names on the model hub."""


def shape_of(base_model: str) -> ModelShape:
    """The shape of a published base model, or of the model in a folder.

    Raises:
        UserError: neither such a name nor a folder with a configuration of a known family.
    """
    if base_model in PUBLISHED:
        return PUBLISHED[base_model]
    file = Path(base_model) / "config.json"
    if not file.is_file():
        raise UserError(
            f"{base_model} is no model folder (no config.json); pass --model FOLDER, or a recipe of a published size"
        )
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        return _from_config(values)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{file}: no decoder whose shape can be planned with ({error})") from error


def _from_config(values: Mapping[str, Any]) -> ModelShape:
    family = values["model_type"]
    if family not in _FAMILIES:
        raise ValueError(f"model type {family!r}; known: {', '.join(_FAMILIES)}")
    heads = values["num_attention_heads"]
    return ModelShape(
        hidden=values["hidden_size"],
        layers=values["num_hidden_layers"],
        heads=heads,
        key_value_heads=values.get("num_key_value_heads") or heads,
        mlp=values["intermediate_size"],
        vocabulary=values["vocab_size"],
        tied=values.get("tie_word_embeddings", False),
        head_dim=values.get("head_dim") or values["hidden_size"] // heads,
        head_norms=family == "qwen3",
        attention_bias=family == "qwen2",
    )
