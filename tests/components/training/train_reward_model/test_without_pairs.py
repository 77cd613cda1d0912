"""A training stage without training pairs: an error by default, left out where the configuration says so."""

from pathlib import Path
from typing import Any

import pytest

from components.training.prepare_base_model.stage import STAGE as PREPARE
from components.training.prepare_base_model.stage import PrepareBaseModelConfig
from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.stage import STAGE
from tests.components.training.conftest import MakePairs, WriteDataset
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import MODEL_FILES, PAIRS, TOKENISED_PAIRS
from themis_common.stages import run_stage


@pytest.fixture
def inputs(tmp_path: Path, write_dataset: WriteDataset, make_pairs: MakePairs) -> dict[str, str]:
    pairs = write_dataset("pairs", PAIRS, make_pairs(10))
    model = run_stage(PREPARE, PrepareBaseModelConfig(), {"pairs/code": pairs}, str(tmp_path / "model"))
    held_out: dict[str, Any] = {
        "row_key": "0" * 32,
        "prefix_ids": [1, 2],
        "chosen_ids": [3],
        "rejected_ids": [4],
        "prompt_tokens": 2,
        "truncated": False,
        "language": "Go",
        "criterion": "Memory_Efficiency",
        "split": "held_out",
    }
    return {"pairs": write_dataset("held_out", TOKENISED_PAIRS, [held_out]), "model": model.uri}


def test_it_is_refused_with_what_to_set(inputs: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nothing to train on; .* or set if_empty to hand_on"):
        run_stage(STAGE, TrainRewardModelConfig(), inputs, str(tmp_path / "out"))


def test_the_model_is_handed_on_as_it_came(inputs: dict[str, str], tmp_path: Path) -> None:
    report = run_stage(STAGE, TrainRewardModelConfig(if_empty="hand_on"), inputs, str(tmp_path / "out"))
    assert report.manifest.content_digest == DatasetReader(inputs["model"], MODEL_FILES).digest


def test_one_pair_in_two_data_sets_is_no_accident(
    tmp_path: Path, write_dataset: WriteDataset, make_pairs: MakePairs
) -> None:
    sets = {f"pairs/{name}": write_dataset(name, PAIRS, make_pairs(10)) for name in ("general", "code")}
    report = run_stage(PREPARE, PrepareBaseModelConfig(), sets, str(tmp_path / "model"))
    assert report.manifest.counts.keys_in == 20
