"""Shapes of Qwen3 models (facts/training.md section 1), whole and cut to fewer layers."""

from transformers import Qwen3Config

from tests.fixtures.small_qwen3 import qwen3_config

_VOCABULARY = 151_936
_SHAPES = {
    # hidden, MLP, layers, query heads, key/value heads
    "0.6B": (1024, 3072, 28, 16, 8),
    "4B": (2560, 9728, 36, 32, 8),
}


def qwen3(size: str, layers: int | None = None) -> Qwen3Config:
    """The shape of a size; with fewer `layers` the vocabulary shrinks alike, so that all parts keep their share."""
    hidden, mlp, depth, heads, key_value_heads = _SHAPES[size]
    layers = depth if layers is None else layers
    return qwen3_config(
        vocabulary=_VOCABULARY * layers // depth,
        hidden=hidden,
        mlp=mlp,
        layers=layers,
        heads=heads,
        key_value_heads=key_value_heads,
        head_dim=128,
        max_position_embeddings=8192,
        pad_token_id=0,
    )
