"""Converts pickled weights to safetensors, once, when a model is imported: nothing else reads a pickle.

`torch.load(weights_only=True)` builds tensors and plain containers and refuses everything else, so a file cannot run
code.
"""

import re
import struct
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from themis_common.architectures.registry import ARCHITECTURES
from themis_common.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

_DAMAGED = (UnpicklingError, struct.error, AssertionError, AttributeError, LookupError, TypeError)
"""What torch raises besides on a file of which bytes were changed."""
_WEIGHTS = re.compile(r"pytorch_model(-\d{5}-of-\d{5})?\.bin")
_HEADS = {
    file: prefix
    for row in ARCHITECTURES.values()
    if row.readout is not None
    for file, prefix in row.readout.pickles
}


def unconverted_files(folder: Path) -> list[Path]:
    """The pickled files of a model folder that have no counterpart in safetensors: heads and weights."""
    converted = {path.stem for path in folder.glob("*.safetensors")}
    has_weights = any(name.startswith("model") for name in converted)
    return [
        path
        for path in sorted(folder.iterdir())
        if (path.name in _HEADS and path.stem not in converted)
        or (not has_weights and _WEIGHTS.fullmatch(path.name))
    ]


def convert_file(file: Path, target: Path) -> None:
    """Write the tensors of a pickled file to `target`, a new safetensors file, in the precision they have.

    Names get the prefix of the head that the file holds. Memory: the tensors of the one file.

    Raises:
        UserError: the file holds something else than named tensors.
    """
    from safetensors.torch import save_file

    prefix = _HEADS.get(file.name, "")
    tensors = {f"{prefix}{name}": tensor.contiguous() for name, tensor in _load(file).items()}
    save_file(_unshared(tensors), target, metadata={"format": "pt"})


def _load(file: Path) -> Mapping[str, "Tensor"]:
    import torch

    try:
        content: Any = torch.load(file, map_location="cpu", weights_only=True)
    except (*_DAMAGED, RuntimeError, EOFError, ValueError) as error:
        reason = str(error).partition("\n")[0] or "it is empty"
        raise UserError(f"{file} cannot be read as tensors alone ({reason}): ask for safetensors") from error
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) and _is_plain(tensor)
        for name, tensor in content.items()
    ):
        raise UserError(f"{file} holds something else than named, plain tensors: ask for safetensors")
    return content


def _is_plain(tensor: "Tensor") -> bool:
    """Whether a tensor is nothing but its numbers: neither sparse, nor quantized, nor without content."""
    import torch

    return tensor.layout == torch.strided and not tensor.is_quantized and not tensor.is_meta


def _unshared(tensors: dict[str, "Tensor"]) -> dict[str, "Tensor"]:
    """Tensors that share memory (tied embeddings) as copies, because safetensors stores each on its own."""
    seen: set[int] = set()
    for name, tensor in tensors.items():
        if tensor.data_ptr() in seen:
            tensors[name] = tensor.clone()
        seen.add(tensor.data_ptr())
    return tensors
