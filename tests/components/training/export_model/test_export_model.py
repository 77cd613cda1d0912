"""Exported models score in plain transformers as they did in training."""

import inspect
import json
import math
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from components.training.export_model.classifier import write_classifier
from components.training.export_model.stage import STAGE, ExportModelConfig
from components.training.train_reward_model.stage import STAGE as TRAIN
from components.training.train_reward_model.stage import TrainRewardModelConfig
from tests.components.evaluation.builders import publish_folder
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.modeling.model import RewardModel, read_model_config
from themis_common.modeling.packing import pack_pairs
from themis_common.modeling.token_pair import TokenPair
from themis_common.modeling.weights import REWARD_HEAD_FILE, load_weights, save_reward_head
from themis_common.prompts.chat import ChatRenderer, Conversation
from themis_common.schemas import MODEL_FILES, TRAINING_METRICS
from themis_common.stages import run_stage


@pytest.fixture
def trained(tmp_path: Path, base_model: str) -> Path:
    """The tiny base model with a reward head that is not zero."""
    folder = tmp_path / "trained"
    shutil.copytree(Path(base_model) / "files", folder)
    save_reward_head(folder, torch.randn(1, 64, generator=torch.Generator().manual_seed(2)))
    return folder


def rewards_in_training(folder: Path, conversations: list[list[int]]) -> torch.Tensor:
    model = RewardModel(read_model_config(folder))
    load_weights(model, folder, with_reward_head=True)
    ids = [np.array(conversation, np.int32) for conversation in conversations]
    packed = [TokenPair(str(n), row[:2], row[2:], row[2:], prompt_tokens=1) for n, row in enumerate(ids)]
    with torch.no_grad():
        rewards: torch.Tensor = model(pack_pairs(packed), with_lm=False).chosen
    return rewards


@pytest.mark.parametrize("padding_side", ["left", "right"])
def test_padded_batches_of_the_classifier_score_as_training_did(
    trained: Path, tmp_path: Path, padding_side: str
) -> None:
    write_classifier(trained, tmp_path / "classifier", "float32")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "classifier", padding_side=padding_side)
    model, report = AutoModelForSequenceClassification.from_pretrained(
        tmp_path / "classifier", output_loading_info=True
    )
    assert not any(report.values())
    assert model.config.num_labels == 1

    renderer = ChatRenderer(tokenizer)
    conversations = [
        renderer.encode(Conversation(system, "Write a loop.", "for item in items: pass " * length)).ids
        for system, length in ((None, 1), ("Judge speed.", 9), (None, 30))
    ]
    batch = tokenizer.pad({"input_ids": conversations}, return_tensors="pt")
    with torch.no_grad():
        scores = model(**batch).logits[:, 0]
    expected = rewards_in_training(trained, conversations)
    assert expected.std() > 0.1
    torch.testing.assert_close(scores, expected, rtol=1e-5, atol=1e-5)


def test_the_classifier_has_no_language_head_and_an_exact_reward_head(trained: Path, tmp_path: Path) -> None:
    write_classifier(trained, tmp_path / "classifier", "bfloat16")
    tensors = load_file(tmp_path / "classifier" / "model.safetensors")
    assert "lm_head.weight" not in tensors
    assert tensors["score.weight"].dtype == torch.float32
    assert torch.equal(tensors["score.weight"], load_file(trained / REWARD_HEAD_FILE)["score.weight"])
    assert {tensor.dtype for name, tensor in tensors.items() if name != "score.weight"} == {torch.bfloat16}
    assert json.loads((tmp_path / "classifier" / "config.json").read_text())["dtype"] == "bfloat16"


def test_padding_with_the_token_that_ends_conversations_is_refused(trained: Path, tmp_path: Path) -> None:
    template = trained / "chat_template.jinja"
    # a template without the line end: conversations now end with <|im_end|>
    template.write_text(template.read_text().replace("'<|im_end|>\\n'", "'<|im_end|>'"))
    write_classifier(trained, tmp_path / "fine", "float32")
    settings = json.loads((trained / "tokenizer_config.json").read_text())
    (trained / "tokenizer_config.json").write_text(json.dumps({**settings, "pad_token": "<|im_end|>"}))
    with pytest.raises(UserError, match="conversations end with the padding token '<|im_end|>'"):
        write_classifier(trained, tmp_path / "classifier", "float32")


def test_a_model_without_reward_head_is_refused(base_model: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no reward head"):
        write_classifier(Path(base_model) / "files", tmp_path / "classifier", "float32")


def test_tensors_that_would_not_load_are_refused_by_name(trained: Path, tmp_path: Path) -> None:
    config = json.loads((trained / "config.json").read_text())

    def export_as(**changes: Any) -> None:
        (trained / "config.json").write_text(json.dumps({**config, **changes}))
        write_classifier(trained, tmp_path / "classifier", "float32")

    with pytest.raises(UserError, match=r"tensor model\.layers\.2\.\S+ is absent in the trained model"):
        export_as(num_hidden_layers=3, layer_types=["full_attention"] * 3)
    with pytest.raises(
        UserError, match=r"tensor \S+down_proj\S+ is \(64, 192\) in the trained model and \(64, 8\)"
    ):
        export_as(intermediate_size=8)
    with pytest.raises(UserError, match="and absent in Qwen3ForSequenceClassification"):
        export_as(num_hidden_layers=1, layer_types=["full_attention"])
    assert not (tmp_path / "classifier").exists()


def test_the_stage_writes_a_card_that_says_how_to_serve(trained: Path, tmp_path: Path) -> None:
    options = ExportModelConfig(name="small one", max_tokens=512)
    report = run_stage(
        STAGE, options, {"model": publish_folder(trained, tmp_path / "dataset")}, str(tmp_path / "rm")
    )
    card = (Path(report.uri) / "files" / "README.md").read_text()
    assert "# small one" in card
    assert "up to 512 tokens" in card
    assert "No pairs were held out." in card
    assert "$" not in card
    # tests/vllm runs the line of the card
    (line,) = re.findall("^vllm serve .*$", card, re.MULTILINE)
    assert line in Path(inspect.getfile(write_classifier)).with_name("README.md").read_text()


@pytest.mark.slow
def test_pt_then_pm_then_export(tokenised: str, base_model: str, tmp_path: Path) -> None:
    """All stages with two ranks under torchrun, as the pipeline runs them."""
    options: dict[str, Any] = {
        "global_batch": 8,
        "learning_rate": 3e-3,
        "compute_dtype": "float32",
        "device": "cpu",
        "processes": 2,
    }
    pt = TrainRewardModelConfig(**options, epochs=2)
    pm = TrainRewardModelConfig(**options, epochs=1)
    first = run_stage(TRAIN, pt, {"pairs": tokenised, "model": base_model}, str(tmp_path / "pt"))
    second = run_stage(TRAIN, pm, {"pairs": tokenised, "model": first.uri}, str(tmp_path / "pm"))

    curves = [
        {
            (row["step"], row["metric"], row["slice"]): row["value"]
            for row in DatasetReader(uri, MODEL_FILES).side_rows("metrics", TRAINING_METRICS)
        }
        for uri in (first.uri, second.uri)
    ]
    assert curves[0][1, "loss/bt", "all"] == pytest.approx(math.log(2))
    assert curves[1][1, "loss/bt", "all"] < 0.3
    assert curves[1][6, "held_out/accuracy", "all"] == 1.0
    assert curves[1][6, "held_out/pairs", "Go"] + curves[1][6, "held_out/pairs", "Python"] == 12

    exported = run_stage(STAGE, ExportModelConfig(name="demo"), {"model": second.uri}, str(tmp_path / "rm"))
    folder = Path(exported.uri) / "files"
    _, report = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values())
    card = (folder / "README.md").read_text()
    assert "# demo" in card
    assert "| all | 12 | 1.000 |" in card
