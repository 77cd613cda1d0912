"""FLOPs of training on one mean pair (facts/training_peers.md section 2.1).

A multiplication with a matrix costs 2 FLOPs for each element and token forward, as much for the gradient of its input
and as much for the gradient of the matrix; an attended (query, key) pair costs 4 for each head and head dimension
forward and twice that backward.
"""

import math
from dataclasses import dataclass

from components.training.train_reward_model.config import TrainRewardModelConfig
from pipelines.training_plan.model_shape import ModelShape
from pipelines.training_plan.pair_lengths import PairLengths


@dataclass(frozen=True, kw_only=True, slots=True)
class PairFlops:
    """FLOPs of one pair.

    Attributes:
        model: what forward and backward of full training need: the work that an MFU counts.
        executed: what this configuration computes; more with recomputed layers, less with adapters.
        unshared: what it would compute if each side of a pair were a sequence of its own.
    """

    model: float
    executed: float
    unshared: float


def pair_flops(shape: ModelShape, lengths: PairLengths, training: TrainRewardModelConfig) -> PairFlops:
    """FLOPs of forward and backward of a mean pair."""
    return PairFlops(
        model=_flops(shape, lengths.tokens, lengths.attended, lengths.labels, training, plain=True),
        executed=_flops(shape, lengths.tokens, lengths.attended, lengths.labels, training),
        unshared=_flops(shape, lengths.unshared_tokens, lengths.unshared_attended, lengths.labels, training),
    )


def _flops(
    shape: ModelShape,
    tokens: float,
    attended: float,
    labels: float,
    training: TrainRewardModelConfig,
    *,
    plain: bool = False,
) -> float:
    adapted = 0 if plain else adapters(shape, training)
    # frozen matrices have no gradient; adapters cost what matrices do
    matrices = (2 if adapted else 3) * shape.layers * shape.layer_matrix_parameters + 3 * adapted
    attention = 3
    if training.recompute == "layer" and not plain:
        matrices += shape.layers * _recomputed(shape, training) + adapted
        attention += 1
    with_lm = training.lm_weight > 0
    return (
        2 * matrices * tokens
        + attention * 4 * shape.layers * shape.query_width * attended
        + with_lm * 6 * shape.vocabulary * shape.hidden * labels
    )


def _recomputed(shape: ModelShape, training: TrainRewardModelConfig) -> int:
    """Elements of a layer's matrices that are computed again: recomputing ends where nothing more was saved."""
    last = "down_proj"
    if last in _targets(shape, training):
        return shape.layer_matrix_parameters
    return shape.layer_matrix_parameters - math.prod(shape.layer_matrices[last])


def _targets(shape: ModelShape, training: TrainRewardModelConfig) -> tuple[str, ...]:
    """Names of the linear maps that have adapters."""
    if not training.lora_rank:
        return ()
    return training.lora_targets or tuple(shape.layer_matrices)


def adapters(shape: ModelShape, training: TrainRewardModelConfig) -> int:
    """Parameters of the low-rank adapters; 0 in full training."""
    return shape.adapter_parameters(training.lora_rank, _targets(shape, training))
