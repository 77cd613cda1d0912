"""Parameters against the models of transformers, laid out on the meta device."""

import json
from pathlib import Path

import pytest
from transformers import LlamaConfig, PretrainedConfig, Qwen2Config

from pipelines.training_plan.model_shape import PUBLISHED, shape_of
from tests.pipelines.training_plan.shapes import SMALL, config_of
from themis_common.errors import UserError
from themis_common.modeling.model import empty_reward_model


def parameters(config: PretrainedConfig) -> int:
    return sum(parameter.numel() for parameter in empty_reward_model(config).parameters())


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_of_the_published_shapes_are_exact(name: str) -> None:
    assert PUBLISHED[name].parameters == parameters(config_of(PUBLISHED[name]))


def test_parameters_of_the_published_shapes_are_those_of_the_fact_sheet() -> None:
    # facts/training.md section 1, last table: billions
    told = dict(zip(PUBLISHED, (0.60, 1.72, 4.02, 8.19, 14.77, 32.76), strict=True))
    assert {name: round(shape.parameters / 1e9, 2) for name, shape in PUBLISHED.items()} == told


@pytest.mark.parametrize(
    "config",
    [
        config_of(SMALL),
        LlamaConfig(
            vocab_size=500, hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=4
        ),
        Qwen2Config(
            vocab_size=500,
            hidden_size=64,
            intermediate_size=160,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            tie_word_embeddings=True,
        ),
    ],
    ids=lambda config: config.model_type,
)
def test_a_model_folder_tells_its_shape(config: PretrainedConfig, tmp_path: Path) -> None:
    config.save_pretrained(tmp_path)
    assert shape_of(str(tmp_path)).parameters == parameters(config)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is no model folder"),
        ("{", "no decoder whose shape can be planned with"),
        (json.dumps({"model_type": "bert"}), "model type 'bert'; known: llama, qwen2, qwen3"),
        (json.dumps({"model_type": "qwen3"}), "num_attention_heads"),
    ],
)
def test_other_folders_cost_one_line(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    with pytest.raises(UserError) as caught:
        shape_of(str(tmp_path))
    assert message in str(caught.value)
