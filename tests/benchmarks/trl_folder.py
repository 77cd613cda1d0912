"""Writes what `peers/trl_reward.py` computes on: a model as a sequence classifier, and pairs as two lists of tokens."""

import json
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from themis_common.modeling.model import RewardModel
from themis_common.modeling.token_pair import TokenPair
from themis_common.modeling.weights import stored_parameters


def write_trl_folder(
    model: RewardModel, pairs: Sequence[TokenPair], folder: Path, margins: Sequence[float] | None = None
) -> None:
    """Fill `folder`; with `margins`, one for each pair, the loss subtracts them."""
    weights = {name: tensor.detach().clone() for name, tensor in stored_parameters(model).items()}
    (folder / "model").mkdir()
    save_file(weights, folder / "model" / "model.safetensors", metadata={"format": "pt"})
    config = deepcopy(model.config)
    config.num_labels = 1
    config.architectures = ["Qwen3ForSequenceClassification"]
    config.save_pretrained(folder / "model")
    examples: list[dict[str, Any]] = [
        {
            "chosen_ids": [*pair.prefix.tolist(), *pair.chosen.tolist()],
            "rejected_ids": [*pair.prefix.tolist(), *pair.rejected.tolist()],
        }
        for pair in pairs
    ]
    if margins is not None:
        examples = [example | {"margin": margin} for example, margin in zip(examples, margins, strict=True)]
    (folder / "pairs.json").write_text(json.dumps(examples))
