"""Writes a training folder as a sequence classifier of transformers."""

import shutil
from pathlib import Path
from typing import cast

import torch
from accelerate import init_empty_weights
from torch import Tensor
from transformers import AutoModelForSequenceClassification, PretrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING

from themis_common.errors import UserError
from themis_common.modeling.model import causal_lm_class, read_model_config
from themis_common.modeling.model_files import TOKENIZER_FILES
from themis_common.modeling.tokenizer import check_padding, load_tokenizer
from themis_common.modeling.weights import LM_HEAD, REWARD_HEAD, StoredWeights, num_bytes, save_weights


def write_classifier(trained: Path, folder: Path, dtype_name: str) -> None:
    """Write `folder` from the training folder `trained`, holding one shard of tensors in memory at a time.

    Raises:
        UserError: the model has no reward head, its tokenizer pads with the token that conversations end with, or
            transformers has no classifier for its family.
    """
    config = _classifier_config(trained)
    weights = StoredWeights(trained)
    if REWARD_HEAD not in weights.shapes:
        raise UserError(f"{trained} holds no reward head: train the model before it is exported")
    sources = _tensor_names(config, weights)
    dtypes = {name: torch.float32 if name == REWARD_HEAD else getattr(torch, dtype_name) for name in sources}
    shapes = {name: weights.shapes[source] for name, source in sources.items()}
    check_loads(config, shapes)

    def read(name: str) -> Tensor:
        return weights.read(sources[name]).to(dtypes[name])

    folder.mkdir()
    save_weights(folder, {name: num_bytes(shapes[name], dtypes[name]) for name in sources}, read)
    config.dtype = getattr(torch, dtype_name)
    config.save_pretrained(folder)
    for name in TOKENIZER_FILES:
        if (trained / name).is_file():
            shutil.copyfile(trained / name, folder / name)


def check_loads(config: PretrainedConfig, shapes: dict[str, tuple[int, ...]]) -> None:
    """Refuse tensors that `from_pretrained` would leave out, make up or reshape.

    Raises:
        UserError: names the first such tensor.
    """
    with init_empty_weights():
        classifier = AutoModelForSequenceClassification.from_config(config)  # type: ignore[no-untyped-call]
    expected = {name: tuple(tensor.shape) for name, tensor in classifier.state_dict().items()}
    for name in sorted(expected.keys() | shapes.keys()):
        if expected.get(name) != shapes.get(name):
            raise UserError(
                f"tensor {name} is {shapes.get(name, 'absent')} in the trained model and "
                f"{expected.get(name, 'absent')} in {type(classifier).__name__}: this family cannot be exported"
            )


def _classifier_config(trained: Path) -> PretrainedConfig:
    config = read_model_config(trained)
    if type(config) not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        raise UserError(f"transformers has no sequence classifier for model type {config.model_type!r}")
    config.num_labels = 1
    config.problem_type = "regression"
    config.architectures = [_classifier_class(config).__name__]
    config.pad_token_id = check_padding(load_tokenizer(trained), trained)
    return config


def _classifier_class(config: PretrainedConfig) -> type[PreTrainedModel]:
    return cast(type[PreTrainedModel], MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING[type(config)])


def _tensor_names(config: PretrainedConfig, weights: StoredWeights) -> dict[str, str]:
    """Names in the classifier mapped to names in the training folder."""
    prefix = causal_lm_class(config).base_model_prefix
    target = _classifier_class(config).base_model_prefix
    names = {}
    for name in weights.shapes:
        if name.startswith(f"{prefix}."):
            names[f"{target}.{name.removeprefix(f'{prefix}.')}"] = name
        elif name != LM_HEAD:
            names[name] = name
    return names
