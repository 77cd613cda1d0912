"""Fingerprints of gradients: small enough to keep in a file, good enough to tell rounding from another computation.

Every tensor is multiplied by random signs and summed within 64 parts. The distance of two sketches estimates the
distance of the gradients without bias, and the tens of thousands of parts of a model make it exact to a few percent.
"""

import zlib
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor

_PARTS = 64

Sketch = dict[str, Tensor]


def sketch_of(parameters: Iterable[tuple[str, nn.Parameter]]) -> Sketch:
    """The sketch of the gradients of named parameters, float64 (64,) each, on the CPU."""
    return {name: _sums(name, parameter.grad) for name, parameter in parameters if parameter.grad is not None}


def relative_error(exact: Sketch, other: Sketch) -> float:
    """Norm of the difference of two gradients over the norm of the first; names must be the same."""
    assert exact.keys() == other.keys(), sorted(exact.keys() ^ other.keys())
    both = [torch.cat([one[name] for name in sorted(exact)]) for one in (exact, other)]
    return float((both[1] - both[0]).norm() / both[0].norm())


def _sums(name: str, gradient: Tensor) -> Tensor:
    whole = (gradient.full_tensor() if isinstance(gradient, DTensor) else gradient).flatten()
    generator = torch.Generator(whole.device).manual_seed(zlib.crc32(name.encode()))
    signs = torch.randint(0, 2, whole.shape, generator=generator, device=whole.device, dtype=torch.int8)
    signed = torch.where(signs.bool(), whole, -whole)
    parts = torch.tensor_split(signed, _PARTS)
    return torch.stack([part.sum(dtype=torch.float64) for part in parts]).cpu()
