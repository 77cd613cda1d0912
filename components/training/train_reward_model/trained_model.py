"""Writes what training made: a model folder with both heads, and the metrics of the whole run."""

import shutil
from pathlib import Path

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor

from components.training.train_reward_model.job import METRICS, MODEL, SPEED
from components.training.train_reward_model.metrics import Curves, as_lines
from components.training.train_reward_model.parallel import Ranks
from themis_common.modeling.model import RewardModel, causal_lm_class
from themis_common.modeling.model_files import TOKENIZER_FILES
from themis_common.modeling.weights import (
    REWARD_HEAD,
    num_bytes,
    save_reward_head,
    save_weights,
    stored_adapters,
    stored_parameters,
)


def save_trained_model(
    model: RewardModel, base: Path, output: Path, save_dtype: str, curves: Curves, ranks: Ranks
) -> None:
    """Gather the weights tensor by tensor, adapters merged into them, and write the model folder.

    All ranks call this together.

    Args:
        base: the folder that training started from, for the tokenizer.
        output: gets `model/`, `metrics.jsonl` and `speed.jsonl`; replaced if it is there.
    """
    folder = output / MODEL
    if ranks.is_first:
        shutil.rmtree(output, ignore_errors=True)
        folder.mkdir(parents=True)
    parameters = stored_parameters(model)
    head = _gathered(parameters.pop(REWARD_HEAD))
    adapters = stored_adapters(model)
    dtype: torch.dtype = getattr(torch, save_dtype)

    def read(name: str) -> Tensor:
        whole = _gathered(parameters[name])
        if name in adapters:
            whole = adapters[name].merge_into(whole, _gathered)
        return whole.to(dtype)

    save_weights(
        folder if ranks.is_first else None,
        {name: num_bytes(parameter.shape, dtype) for name, parameter in parameters.items()},
        read,
    )
    if ranks.is_first:
        save_reward_head(folder, head)
        model.config.dtype = dtype
        model.config.architectures = [causal_lm_class(model.config).__name__]
        model.config.save_pretrained(folder)
        for name in TOKENIZER_FILES:
            if (base / name).is_file():
                shutil.copyfile(base / name, folder / name)
        (output / METRICS).write_text(as_lines(curves.results))
        (output / SPEED).write_text(as_lines(curves.speed))


def _gathered(parameter: Tensor) -> Tensor:
    full = parameter.detach()
    return (full.full_tensor() if isinstance(full, DTensor) else full).cpu()
