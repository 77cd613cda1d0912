"""The groups in which cells are scored: by the image that holds what they need, and by GPUs.

A compiled pipeline has a loop for each group, because what a pod asks for is fixed when it is compiled.
"""

import math
from collections.abc import Mapping
from typing import Final

from themis_common.architectures import Architecture
from themis_common.architectures.checkpoint import Checkpoint
from themis_common.errors import UserError
from themis_common.images import ImageName

GPU_COUNTS: Final = (1, 2, 4, 8)
IMPORTED: Final = "imported"
"""The group, and in the plan the architecture, of cells whose scores were published."""

GPU_BYTES: Final = 80e9
_FOR_WEIGHTS: Final = 0.83
"""Share of the memory; the rest is for activations."""

_IMAGES: Final[tuple[ImageName, ...]] = ("evaluate", "llm")


def group_of(image: ImageName, gpus: int) -> str:
    """The group of cells that run in that image on that many GPUs."""
    return f"{image}_{gpus}"


SHAPES: Final[Mapping[str, tuple[ImageName, int]]] = {
    IMPORTED: ("evaluate", 0),
    group_of("evaluate", 0): ("evaluate", 0),
    **{group_of(image, gpus): (image, gpus) for image in _IMAGES for gpus in GPU_COUNTS},
}
"""Image and GPUs of every group."""

GROUPS: Final = tuple(SHAPES)


def gpus_for(checkpoint: Checkpoint, how: Architecture) -> int:
    """How many GPUs of 80 GB hold the weights.

    Raises:
        UserError: more than a machine has.
    """
    size = weight_bytes(checkpoint, how)
    gpus = gpus_that_hold(size)
    if gpus is None:
        raise UserError(
            f"{checkpoint.where}: weights of {size / 1e9:.0f} GB do not fit {GPU_COUNTS[-1]} GPUs of 80 GB; score it "
            "elsewhere and import its scores"
        )
    return gpus


def copies_on(gpus: int, checkpoint: Checkpoint, how: Architecture) -> int:
    """How many times that many GPUs hold the model; 1 where they do not, for the rest then lies on the CPU or disk."""
    needed = gpus_that_hold(weight_bytes(checkpoint, how))
    return max(1, gpus // needed) if needed else 1


def gpus_that_hold(size: float) -> int | None:
    """How many GPUs of 80 GB hold so many bytes of weights; None where no machine does."""
    return next((count for count in GPU_COUNTS if size <= count * GPU_BYTES * _FOR_WEIGHTS), None)


def weight_bytes(checkpoint: Checkpoint, how: Architecture) -> int:
    """Bytes of the weights in the precision in which they run: a scalar model's stored one, 16 bit for a judge."""
    stored = checkpoint.config.get("dtype") or checkpoint.config.get("torch_dtype") or "float32"
    bytes_per_weight = 4 if how.kind == "scalar" and stored == "float32" else 2
    return bytes_per_weight * sum(math.prod(shape) for shape in checkpoint.shapes.values())
