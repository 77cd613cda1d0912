"""Models with seeded random weights as folders, which is how every side of a comparison takes them."""

import os
import shutil
from pathlib import Path

import torch
from torch import Tensor
from transformers import PretrainedConfig

from themis_common.modeling.model import empty_reward_model
from themis_common.modeling.tiny import train_tokenizer
from themis_common.modeling.weights import (
    REWARD_HEAD,
    num_bytes,
    save_reward_head,
    save_weights,
    stored_parameters,
)

_STD = 0.02
_SEED = 42


def model_folder(folder: Path, config: PretrainedConfig, device: torch.device) -> Path:
    """Make the folder unless it is there: bfloat16 decoder, a reward head that is not zero, and any tokenizer.

    The tokenizer only names the padding; all tokens are drawn, none is ever encoded.
    """
    if folder.exists():
        return folder
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    tokenizer = train_tokenizer(["a text"], 300, 4096)
    # writes its files into a folder that it makes itself
    tokenizer.save_pretrained(unfinished)
    generator = torch.Generator(device).manual_seed(_SEED)
    shapes = {
        name: parameter.shape for name, parameter in stored_parameters(empty_reward_model(config)).items()
    }
    head = _drawn(shapes.pop(REWARD_HEAD), torch.float32, generator)

    def read(name: str) -> Tensor:
        return _drawn(shapes[name], torch.bfloat16, generator)

    sizes = {name: num_bytes(shape, torch.bfloat16) for name, shape in shapes.items()}
    save_weights(unfinished, sizes, read)
    save_reward_head(unfinished, head)
    config.architectures = ["Qwen3ForCausalLM"]
    config.save_pretrained(unfinished)
    os.replace(unfinished, folder)
    return folder


def _drawn(shape: torch.Size, dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    # the weights of norms
    if len(shape) == 1:
        return torch.ones(shape, dtype=dtype)
    drawn = torch.randn(shape, generator=generator, device=generator.device)
    return (_STD * drawn).to(dtype).cpu()
