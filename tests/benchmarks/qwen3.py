"""Shapes of Qwen3 models (facts/training.md section 1), whole and cut to fewer layers."""

from transformers import Qwen3Config

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
    return Qwen3Config(
        vocab_size=_VOCABULARY * layers // depth,
        hidden_size=hidden,
        intermediate_size=mlp,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_value_heads,
        head_dim=128,
        tie_word_embeddings=True,
        max_position_embeddings=8192,
        pad_token_id=0,
        attention_dropout=0.0,
    )
