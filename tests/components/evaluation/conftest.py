"""Tiny real models: an untrained causal language model, and a sequence classifier with a random head."""

from pathlib import Path

import pytest

from tests.components.evaluation.builders import ROWS, publish_folder


@pytest.fixture(scope="session")
def causal_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A causal language model of 32 dimensions with a byte-level tokenizer, as a folder."""
    from themis_common.modeling.tiny import save_tiny_model, tiny_config, train_tokenizer

    folder = tmp_path_factory.mktemp("causal") / "model"
    texts = [row[name] for row in ROWS for name in ("prompt", "chosen", "rejected")]
    tokenizer = train_tokenizer(texts, vocabulary=400, max_tokens=2048)
    config = tiny_config(tokenizer, layers=2, hidden=32, max_tokens=2048, tied=False)
    config.initializer_range = 0.2  # large weights, so that a wrong mask or position shows
    save_tiny_model(folder, config, tokenizer, seed=5)
    return folder


@pytest.fixture(scope="session")
def classifier_folder(causal_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same decoder as a sequence classifier with one label, as a folder."""
    import torch
    from transformers import AutoTokenizer, Qwen3Config, Qwen3ForSequenceClassification

    folder = tmp_path_factory.mktemp("classifier")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        config = Qwen3Config.from_pretrained(causal_folder, num_labels=1)
        Qwen3ForSequenceClassification(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(causal_folder).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def classifier_dataset(classifier_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The classifier as a dataset of model files."""
    return publish_folder(classifier_folder, tmp_path_factory.mktemp("classifier-dataset"))


@pytest.fixture(scope="session")
def causal_dataset(causal_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The causal language model as a dataset of model files."""
    return publish_folder(causal_folder, tmp_path_factory.mktemp("causal-dataset"))
