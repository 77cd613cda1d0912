"""Weights in safetensors folders: which tensor is which, read into sharded models, written with bounded memory.

A training folder is a causal language model of transformers plus the reward head in a file of its own, so that
other software still reads it and the next training stage finds both heads.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
from torch.distributed.checkpoint.state_dict_loader import load

from themis_common.errors import UserError
from themis_common.modeling.adapters import Adapter, adapters, is_adapter, plain_name
from themis_common.modeling.model import RewardModel, causal_lm_class

REWARD_HEAD = "score.weight"
REWARD_HEAD_FILE = "reward_head.safetensors"
LM_HEAD = "lm_head.weight"
MAX_SHARD_BYTES = 4 << 30
_INDEX = "model.safetensors.index.json"


def stored_parameters(model: RewardModel) -> dict[str, nn.Parameter]:
    """The parameters of `model` under their names in a training folder, in a fixed order; adapters have none."""
    return {
        _stored_name(model, plain_name(name)): parameter
        for name, parameter in model.named_parameters()
        if not is_adapter(name)
    }


def stored_adapters(model: RewardModel) -> dict[str, Adapter]:
    """The adapters of `model` by the name of the adapted weight in a training folder."""
    return {_stored_name(model, name): adapter for name, adapter in adapters(model).items()}


def _stored_name(model: RewardModel, name: str) -> str:
    if name == "reward_head.weight":
        return REWARD_HEAD
    return re.sub(r"^body\.", f"{causal_lm_class(model.config).base_model_prefix}.", name)


class StoredWeights:
    """The tensors in the safetensors files of a folder, read one at a time.

    Attributes:
        shapes: of every tensor by name, in the order of files and names.

    Raises:
        UserError: there is no such file, one is damaged, or two hold the same tensor.
    """

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, Path] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        for file in sorted(folder.glob("*.safetensors")):
            for name, shape in _shapes_in(file).items():
                if name in self._files:
                    raise UserError(f"{file}: tensor {name} lies in {self._files[name].name} too: remove one")
                self._files[name] = file
                self.shapes[name] = shape
        if not self._files:
            raise UserError(
                f"{folder} holds no .safetensors file: convert the weights (pickles are never read)"
            )

    def read(self, name: str) -> Tensor:
        """One tensor, on the CPU."""
        with safe_open(self._files[name], framework="pt") as tensors:
            tensor: Tensor = tensors.get_tensor(name)
        return tensor


def _shapes_in(file: Path) -> dict[str, tuple[int, ...]]:
    try:
        with safe_open(file, framework="pt") as tensors:
            return {name: tuple(tensors.get_slice(name).get_shape()) for name in sorted(tensors.keys())}
    except SafetensorError as error:
        raise UserError(f"{file} cannot be read as safetensors ({error}): copy it again") from error


def has_reward_head(folder: Path) -> bool:
    """Whether the model in `folder` has been trained as a reward model before."""
    return REWARD_HEAD in StoredWeights(folder).shapes


def check_weights(model: RewardModel, folder: Path, *, with_reward_head: bool) -> None:
    """Compare the tensors of a folder with the parameters of `model` (which may be on the meta device).

    Raises:
        UserError: a tensor is missing, unexpected or of another shape.
    """
    expected = {name: tuple(parameter.shape) for name, parameter in stored_parameters(model).items()}
    found = StoredWeights(folder).shapes
    if not with_reward_head:
        expected.pop(REWARD_HEAD)
        found.pop(REWARD_HEAD, None)
    if model.lm_head is None:
        # some published models store the tied output embedding a second time
        found.pop(LM_HEAD, None)
    for name in sorted(expected.keys() - found.keys()):
        raise UserError(
            f"{folder}: tensor {name} is missing: the folder is no whole model of its config.json"
        )
    for name in sorted(found.keys() - expected.keys()):
        raise UserError(f"{folder}: tensor {name} belongs to no parameter of its config.json")
    for name, shape in expected.items():
        if found[name] != shape:
            raise UserError(f"{folder}: tensor {name} has shape {found[name]}, its config.json says {shape}")


def load_weights(model: RewardModel, folder: Path, *, with_reward_head: bool) -> None:
    """Fill the parameters of `model`, each rank reading only its own shards; all ranks call this together.

    Without `with_reward_head` the head keeps its values.

    Raises:
        UserError: as `check_weights`.
    """
    check_weights(model, folder, with_reward_head=with_reward_head)
    state = {name: parameter.detach() for name, parameter in stored_parameters(model).items()}
    if not with_reward_head:
        state.pop(REWARD_HEAD)
    load(state, storage_reader=HuggingFaceStorageReader(str(folder)))


def save_weights(
    folder: Path | None,
    sizes: Mapping[str, int],
    read: Callable[[str], Tensor],
    *,
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> None:
    """Write tensors as `model*.safetensors` as transformers lays them out, one shard in memory at a time.

    Args:
        folder: where to; None on ranks that only help to gather.
        sizes: bytes of every tensor by name.
        read: gives a tensor on the CPU; called once for each name, in the order of `sizes` (on every rank, so that it
            may be a collective).
    """
    shards = _plan_shards(sizes, max_shard_bytes)
    where = {}
    for number, names in enumerate(shards, start=1):
        file = (
            "model.safetensors"
            if len(shards) == 1
            else f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        )
        where.update(dict.fromkeys(names, file))
        tensors = {}
        for name in names:
            tensor = read(name)
            if folder is not None:
                tensors[name] = tensor.contiguous()
        if folder is not None:
            save_file(tensors, folder / file, metadata={"format": "pt"})
    if folder is not None and len(shards) > 1:
        index = {"metadata": {"total_size": sum(sizes.values())}, "weight_map": where}
        (folder / _INDEX).write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")


def save_reward_head(folder: Path, weight: Tensor) -> None:
    """Write the reward head, (1, h) float32, beside the language model."""
    save_file(
        {REWARD_HEAD: weight.float().contiguous()}, folder / REWARD_HEAD_FILE, metadata={"format": "pt"}
    )


def num_bytes(shape: tuple[int, ...] | torch.Size, dtype: torch.dtype) -> int:
    """Bytes of a tensor."""
    return torch.Size(shape).numel() * dtype.itemsize


def _plan_shards(sizes: Mapping[str, int], max_shard_bytes: int) -> list[list[str]]:
    shards: list[list[str]] = [[]]
    filled = 0
    for name, size in sizes.items():
        if shards[-1] and filled + size > max_shard_bytes:
            shards.append([])
            filled = 0
        shards[-1].append(name)
        filled += size
    return shards
