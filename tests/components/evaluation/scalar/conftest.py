"""Checkpoints in the published layouts, each written once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from components.evaluation.score_benchmark.scalar.scorer import ScalarModel
from tests.components.evaluation.scalar.checkpoints import PUBLISHED, Tensors, write_checkpoint
from themis_common.architectures import architecture

Checkpoints = Callable[[str], tuple[Path, Tensors]]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Checkpoints:
    """The folder and the tensors of the checkpoint of an architecture."""
    written: dict[str, tuple[Path, Tensors]] = {}

    def get(name: str) -> tuple[Path, Tensors]:
        if name not in written:
            folder = tmp_path_factory.mktemp("published") / name
            written[name] = folder, write_checkpoint(PUBLISHED[name], folder)
        return written[name]

    return get


@pytest.fixture(scope="session")
def loaded(checkpoint: Checkpoints) -> Callable[[str], ScalarModel]:
    """The loaded model of an architecture."""
    models: dict[str, ScalarModel] = {}

    def get(name: str) -> ScalarModel:
        if name not in models:
            models[name] = load_scalar_model(checkpoint(name)[0], architecture(name), LoadOptions())
        return models[name]

    return get
