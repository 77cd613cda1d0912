"""Builds the decoder of a checkpoint and fills it, strictly: every tensor is used, and every parameter is given.

The decoder is made without memory (meta device) and filled tensor by tensor, so that a model never exists twice, and
so that its layers can go straight to several GPUs, to the CPU or to disk.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import nn
from transformers import AutoModel, PretrainedConfig, PreTrainedModel

from components.evaluation.score_benchmark.scalar.layouts import (
    BODY_CONFIGS,
    Source,
    stored_at,
    stored_shape,
    take,
)
from themis_common.architectures.architecture import Body
from themis_common.architectures.checkpoint import Checkpoint
from themis_common.architectures.heads import Shape
from themis_common.errors import UserError
from themis_common.modeling.attention import ATTENTION
from themis_common.modeling.model import read_model_config
from themis_common.modeling.weights import StoredWeights

_STORED_DTYPES = {"float16": torch.bfloat16, "bfloat16": torch.bfloat16, "float32": torch.float32}
Placement = Mapping[str, int | str | torch.device]


def body_config(folder: Path, body: Body, checkpoint: Checkpoint) -> PretrainedConfig:
    """The configuration of transformers for the body.

    Raises:
        UserError: transformers does not know the model type, or a value of config.json is wrong.
    """
    read = BODY_CONFIGS.get(body.layout)
    with _config_errors(checkpoint.where):
        return read(checkpoint) if read else read_model_config(folder)


def choose_dtype(name: str, config: PretrainedConfig) -> torch.dtype:
    """`float32`, `bfloat16`, or with `stored` that of the checkpoint, float16 being run as bfloat16."""
    if name != "stored":
        dtype: torch.dtype = getattr(torch, name)
        return dtype
    stored = str(config.dtype or "float32").removeprefix("torch.")
    return _STORED_DTYPES.get(stored, torch.float32)


def can_be_packed(config: PretrainedConfig, max_tokens: int) -> bool:
    """Whether attention over packed segments computes what the model's own attention does.

    Not where logits of the attention are capped (Gemma 2), and not where a window is shorter than a conversation.
    """
    if getattr(config, "attn_logit_softcapping", None):
        return False
    layer_types = getattr(config, "layer_types", None) or ("sliding_attention",)
    if not {"full_attention", "sliding_attention"}.issuperset(layer_types):
        return False
    window = getattr(config, "sliding_window", None)
    return "sliding_attention" not in layer_types or window is None or window >= max_tokens


def empty_body(config: PretrainedConfig, where: str, *, packed: bool) -> PreTrainedModel:
    """The decoder without memory for its parameters; its buffers are real.

    Args:
        where: what to call the model in messages.

    Raises:
        UserError: transformers has no such decoder, or a value of config.json is wrong.
    """
    from accelerate import init_empty_weights

    # plain attention is the one that caps logits and knows windows on every device
    attention = ATTENTION if packed else "eager"
    # transformers writes the attention into the configuration, which others may hold
    with _config_errors(where), init_empty_weights(include_buffers=False):
        body = AutoModel.from_config(  # type: ignore[no-untyped-call]
            deepcopy(config), attn_implementation=attention, dtype=torch.float32
        )
    assert isinstance(body, PreTrainedModel)
    if packed and not getattr(body, "_supports_attention_backend", False):
        return empty_body(config, where, packed=False)
    module: nn.Module = body
    module.eval()
    return body


@contextmanager
def _config_errors(where: str) -> Iterator[None]:
    """What transformers raises on a configuration that it cannot compute with, as one line."""
    try:
        yield
    except UserError:
        raise
    except (
        StrictDataclassError,
        ArithmeticError,
        AttributeError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{where}/config.json describes no model that can be scored ({type(error).__name__}: {reason}): copy it "
            "again, or take another model"
        ) from error


class BodyWeights:
    """Where each parameter of an empty body lies in a folder.

    Raises:
        UserError: a tensor is missing, of another shape, or belongs to no parameter.
    """

    def __init__(
        self,
        body: PreTrainedModel,
        layout: str,
        prefix: str,
        weights: StoredWeights,
        stored: Mapping[str, Shape],
        where: str,
    ) -> None:
        self._weights = weights
        self._config = body.config
        self.sources: dict[str, Source] = {}
        module: nn.Module = body
        for name, parameter in module.named_parameters():
            source = stored_at(layout, name)
            published = Source(prefix + source.name, source.part)
            wanted = stored_shape(source, tuple(parameter.shape), body.config)
            if published.name not in stored:
                raise UserError(f"{where}: tensor {published.name} is missing; the folder is no whole model")
            if stored[published.name] != wanted:
                raise UserError(
                    f"{where}: tensor {published.name} has shape {stored[published.name]}, its config.json says "
                    f"{wanted}"
                )
            self.sources[name] = published
        used = {source.name for source in self.sources.values()}
        for name in stored:
            if name.startswith(prefix) and name not in used:
                raise UserError(f"{where}: tensor {name} belongs to no parameter of its config.json")

    def read(self, parameter: str, dtype: torch.dtype) -> torch.Tensor:
        """One parameter, on the CPU."""
        source = self.sources[parameter]
        return take(source, self._weights.read(source.name), self._config).to(dtype)


def fill(body: PreTrainedModel, weights: BodyWeights, dtype: torch.dtype, device: torch.device) -> None:
    """Give every parameter of an empty body its value, on one device."""
    from accelerate.utils import set_module_tensor_to_device

    module: nn.Module = body
    for name in weights.sources:
        set_module_tensor_to_device(module, name, device, value=weights.read(name, dtype), dtype=dtype)
    module.to(device)


def fill_placed(
    body: PreTrainedModel, weights: BodyWeights, dtype: torch.dtype, placement: Placement, offload: Path
) -> PreTrainedModel:
    """Give every parameter its value where `placement` puts it; `disk` means files in the folder `offload`."""
    from accelerate import dispatch_model
    from accelerate.utils import offload_weight, save_offload_index, set_module_tensor_to_device

    module: nn.Module = body
    index: dict[str, Any] = {}
    for name in weights.sources:
        where = _place_of(name, placement)
        value = weights.read(name, dtype)
        if where == "disk":
            offload.mkdir(exist_ok=True)
            offload_weight(value, name, str(offload), index)
        else:
            set_module_tensor_to_device(module, name, where, value=value, dtype=dtype)
    if index:
        save_offload_index(index, str(offload))
    dispatched = dispatch_model(
        module, device_map=dict(placement), offload_dir=str(offload), force_hooks=True
    )
    assert isinstance(dispatched, PreTrainedModel)
    return dispatched


def spread_over_gpus(body: PreTrainedModel, dtype: torch.dtype, gpus: Sequence[int]) -> Placement:
    """Whole layers over these GPUs in equal parts, then the CPU's memory, then disk."""
    from accelerate import infer_auto_device_map
    from accelerate.utils import get_balanced_memory, get_max_memory

    whole = list(body._no_split_modules or ())
    module: nn.Module = body
    free = {place: size for place, size in get_max_memory().items() if place in (*gpus, "cpu")}
    memory = get_balanced_memory(module, max_memory=free, dtype=dtype, no_split_module_classes=whole)
    placement: Placement = infer_auto_device_map(
        module, max_memory=memory, no_split_module_classes=whole, dtype=dtype
    )
    return placement


def _place_of(parameter: str, placement: Placement) -> Any:
    """Where a parameter goes: the longest module name in `placement` that it lies under."""
    under = [name for name in placement if not name or parameter == name or parameter.startswith(f"{name}.")]
    return placement[max(under, key=len)]
