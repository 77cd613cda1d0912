"""Bytes of activations for each packed token: what forward keeps for backward, and what backward holds besides.

Counted from what the modules of a layer save (tests compare with what autograd really saves): a norm computes in
float32 and saves its input in it, the normalised input and its output; attention saves queries, the gathered keys and
values and its output; a gated MLP saves gate, activated gate, other half and product. Fused kernels save less: a norm
its input and output, the MLP its two halves and their product.
"""

from components.training.train_reward_model.config import TrainRewardModelConfig
from pipelines.training_plan.model_shape import ModelShape
from pipelines.training_plan.pair_lengths import PairLengths

_FLOAT32 = 4


def kept_bytes(shape: ModelShape, lengths: PairLengths, training: TrainRewardModelConfig) -> float:
    """Bytes a token that are kept from forward to backward, over all layers and the final norm."""
    layers = shape.layers * _kept_of_layer(shape, lengths, training)
    return layers + _norm(shape.hidden, training)


def working_bytes(shape: ModelShape, lengths: PairLengths, training: TrainRewardModelConfig) -> float:
    """Bytes a token that exist only while one layer is computed backward, at most.

    What the layer computes again, and the gradients of its MLP, which are the widest.
    """
    again = layer_bytes(shape, lengths, training) - _kept_of_layer(shape, lengths, training)
    return again + _width(training) * (3 * shape.mlp + 2 * shape.hidden)


def _kept_of_layer(shape: ModelShape, lengths: PairLengths, training: TrainRewardModelConfig) -> float:
    match training.recompute:
        case "none":
            return layer_bytes(shape, lengths, training)
        case "selective":
            return _dense_outputs(shape, training)
        case "layer":
            return _width(training) * shape.hidden


def layer_bytes(shape: ModelShape, lengths: PairLengths, training: TrainRewardModelConfig) -> float:
    """Bytes a token that one layer saves where nothing is computed again."""
    width = _width(training)
    norms = 2 * _norm(shape.hidden, training)
    if shape.head_norms:
        # their outputs are counted as queries and gathered keys
        for heads in (shape.heads, shape.key_value_heads):
            norms += heads * (_norm(shape.head_dim, training) - width * shape.head_dim)
    gathered = lengths.keys / lengths.tokens
    attention = width * (2 * shape.query_width + 2 * gathered * shape.key_width) + _FLOAT32 * shape.heads
    mlp = width * (4 if training.kernels == "plain" else 3) * shape.mlp
    return norms + attention + mlp


def _norm(elements: int, training: TrainRewardModelConfig) -> int:
    """What a norm over so many elements saves, and its output, which the next module saves."""
    width = _width(training)
    inputs = _FLOAT32 + width if training.kernels == "plain" else width
    return elements * (inputs + width) + _FLOAT32


def _dense_outputs(shape: ModelShape, training: TrainRewardModelConfig) -> float:
    """A layer's input, and what its matrix products and attention give."""
    products = sum(outputs for _, outputs in shape.layer_matrices.values())
    return _width(training) * (shape.hidden + products + shape.query_width) + _FLOAT32 * shape.heads


def _width(training: TrainRewardModelConfig) -> int:
    return 2 if training.compute_dtype == "bfloat16" else 4
