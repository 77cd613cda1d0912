"""The groups in which cells are scored: by the image that holds what they need, and by GPUs.

A compiled pipeline has a loop for each group, because what a pod asks for is fixed when it is compiled.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from themis_common.architectures.checkpoint import Checkpoint
from themis_common.architectures.heads import Shape
from themis_common.errors import UserError
from themis_common.images import ImageName

GPU_COUNTS: Final = (1, 2, 4, 8)
IMPORTED: Final = "imported"
"""The group, and in the plan the architecture, of cells whose scores were published."""

GPU_BYTES: Final = 80e9
_FOR_WEIGHTS: Final = 0.83
"""Share of the memory; the rest is for activations."""
_BYTES_PER_WEIGHT: Final = 2

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


def gpus_for(checkpoint: Checkpoint) -> int:
    """How many GPUs of 80 GB hold the weights in 16 bit.

    Raises:
        UserError: more than a machine has.
    """
    weights = num_weights(checkpoint.shapes.values())
    gpus = gpus_for_weights(weights)
    if gpus is None:
        raise UserError(
            f"{checkpoint.where}: {weights / 1e9:.0f} billion weights do not fit {GPU_COUNTS[-1]} GPUs of 80 GB; "
            "score it elsewhere and import its scores"
        )
    return gpus


def copies_on(gpus: int, checkpoint: Checkpoint) -> int:
    """How many times that many GPUs hold the model; 1 where they do not, for the rest then lies on the CPU or disk."""
    needed = gpus_for_weights(num_weights(checkpoint.shapes.values()))
    return max(1, gpus // needed) if needed else 1


def gpus_for_weights(weights: float) -> int | None:
    """The same for a number of weights; None where no machine holds them."""
    needed = weights * _BYTES_PER_WEIGHT
    return next((count for count in GPU_COUNTS if needed <= count * GPU_BYTES * _FOR_WEIGHTS), None)


def num_weights(shapes: Iterable[Shape]) -> int:
    """Weights in tensors of these shapes."""
    return sum(math.prod(shape) for shape in shapes)
