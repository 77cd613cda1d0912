"""Bytes that training takes on each GPU, and in the memory of the machine where weights are offloaded.

The terms follow from how the trainer works: float32 masters, gradients and AdamW moments are sharded, a layer is
gathered in the compute dtype when its turn comes (the next one already while it computes), the root group (embeddings)
stays gathered from forward to backward, and the logits of the language-model term exist for some rows at a time.
A step has three moments at which memory may be highest; the breakdown is that of the highest.

What nothing here computes is an allowance: the GPU's context, buffers of collectives and libraries, and what the
allocator cannot use.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from components.training.train_reward_model.config import TrainRewardModelConfig
from pipelines.training_plan.activations import kept_bytes, working_bytes
from pipelines.training_plan.arithmetic import adapters
from pipelines.training_plan.model_shape import ModelShape
from pipelines.training_plan.pair_lengths import PairLengths

ALLOWANCE = 2_000_000_000
"""Bytes of context, libraries and allocator on each GPU; an estimate, not a result."""

LOGITS_ROWS = 2048
"""Rows whose logits exist at once (`chunk_rows` of themis_common/modeling/losses.py)."""

WEIGHTS = "weights"
GRADIENTS = "gradients (float32)"
MOMENTS = "AdamW moments (float32)"

_DTYPE_BYTES = {"bfloat16": 2, "float32": 4}
_MASTER_BYTES = 4
_MOMENT_BYTES = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Bytes by what they hold.

    Attributes:
        gpu: on each GPU, at the moment when most is taken.
        host: in the memory of the machine, for each of its GPUs.
    """

    gpu: Mapping[str, int]
    host: Mapping[str, int]

    @property
    def gpu_bytes(self) -> int:
        """All on a GPU."""
        return sum(self.gpu.values())

    @property
    def host_bytes(self) -> int:
        """All in the machine's memory, for each GPU."""
        return sum(self.host.values())


def memory(shape: ModelShape, lengths: PairLengths, training: TrainRewardModelConfig, gpus: int) -> Memory:
    """What one GPU of `gpus` holds while it trains on full packs."""
    state = _state(shape, training, training.shard_size or gpus)
    offloaded = training.offload
    moments = _moments(shape, lengths, training)
    highest = max(moments, key=lambda moment: sum(moment.values()))
    gpu = {**({} if offloaded else state), **highest, "allowance": ALLOWANCE}
    return Memory(
        gpu={name: round(value) for name, value in gpu.items()},
        host={name: round(value) for name, value in state.items()} if offloaded else {},
    )


def _state(shape: ModelShape, training: TrainRewardModelConfig, shards: int) -> dict[str, float]:
    """What lives from step to step, on each of the processes that share one copy of the model.

    Weights that are trained are float32, frozen ones have the compute dtype.
    """
    if training.lora_rank:
        trained = adapters(shape, training) + shape.hidden
        frozen = shape.parameters - shape.hidden
        weights = trained * _MASTER_BYTES + frozen * _DTYPE_BYTES[training.compute_dtype]
    else:
        trained = shape.parameters
        weights = trained * _MASTER_BYTES
    return {
        WEIGHTS: weights / shards,
        GRADIENTS: trained * _MASTER_BYTES / shards,
        MOMENTS: trained * _MOMENT_BYTES / shards,
    }


def _moments(
    shape: ModelShape, lengths: PairLengths, training: TrainRewardModelConfig
) -> tuple[dict[str, float], ...]:
    """What lives within a step at the end of forward, in the backward of a layer, and in that of the root group."""
    width = _DTYPE_BYTES[training.compute_dtype]
    reduced = _DTYPE_BYTES[training.reduce_dtype]
    tokens = training.max_tokens_per_pack
    embedding = shape.vocabulary * shape.hidden
    with_lm = training.lm_weight > 0
    labels = tokens * lengths.labels / lengths.tokens
    trains_root = not training.lora_rank
    layer_gradient = (shape.layer_parameters if trains_root else adapters(shape, training) / shape.layers) * (
        width + reduced
    )
    weights = {"gathered weights": width * (shape.root_parameters + 2 * shape.layer_parameters)}
    activations = {"activations": tokens * kept_bytes(shape, lengths, training)}
    # the logits in float32 and one temporary of their size; the gradient of the output embedding in float32
    logits = 2 * 4 * min(LOGITS_ROWS, labels) * shape.vocabulary
    kept_loss = with_lm * (width * embedding + 2 * width * labels * shape.hidden)
    return (
        {
            **weights,
            **activations,
            "logits and gradient of the output embedding": with_lm * (logits + 4 * embedding) + kept_loss,
        },
        {
            **weights,
            **activations,
            "gradient of the output embedding": kept_loss,
            "a layer in backward": tokens * working_bytes(shape, lengths, training) + layer_gradient,
        },
        {**weights, "gradients of the root group": trains_root * shape.root_parameters * (width + reduced)},
    )
