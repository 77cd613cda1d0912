"""The base model as a dataset: made here, or checked and copied."""

import json
import shutil
from pathlib import Path

import pytest

from components.training.prepare_base_model.stage import STAGE, PrepareBaseModelConfig
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import MODEL_FILES
from themis_common.stages import run_stage


def run(output: Path, inputs: dict[str, str], **options: object) -> DatasetReader:
    return DatasetReader(
        run_stage(STAGE, PrepareBaseModelConfig(**options), inputs, str(output)).uri, MODEL_FILES
    )  # type: ignore[arg-type]


def test_the_tiny_model_is_the_same_every_time(tmp_path: Path, pairs: str, base_model: str) -> None:
    again = run(tmp_path / "again", {"pairs/all": pairs}, vocabulary=600, max_tokens=512)
    first = DatasetReader(base_model, MODEL_FILES)
    assert again.digest == first.digest
    assert {row["path"] for row in again.rows()} >= {"config.json", "model.safetensors", "tokenizer.json"}
    assert again.manifest.counts.keys_in == again.manifest.counts.emitted == 60


def test_a_local_folder_becomes_a_dataset_without_code_and_pickles(tmp_path: Path, base_model: str) -> None:
    folder = tmp_path / "local"
    shutil.copytree(Path(base_model) / "files", folder)
    (folder / "modeling_evil.py").write_text("raise SystemExit")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    copied = run(tmp_path / "copied", {}, base=str(folder))
    assert copied.digest == DatasetReader(base_model, MODEL_FILES).digest
    assert not list((tmp_path / "copied" / "files").glob("*.py"))


def test_a_changed_folder_is_another_dataset(tmp_path: Path, base_model: str) -> None:
    folder = tmp_path / "local"
    shutil.copytree(Path(base_model) / "files", folder)
    run(tmp_path / "copied", {}, base=str(folder))
    (folder / "chat_template.jinja").write_text((folder / "chat_template.jinja").read_text() + "\n")
    with pytest.raises(UserError, match="another configuration or other inputs"):
        run(tmp_path / "copied", {}, base=str(folder))


def test_a_folder_that_could_not_be_trained_is_refused(tmp_path: Path, base_model: str) -> None:
    folder = tmp_path / "local"
    shutil.copytree(Path(base_model) / "files", folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "pad_token": None}))
    with pytest.raises(UserError, match="has no padding token"):
        run(tmp_path / "a", {}, base=str(folder))
    (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"holds no \.safetensors file"):
        run(tmp_path / "b", {}, base=str(folder))
    with pytest.raises(UserError, match="neither 'tiny' nor a folder"):
        run(tmp_path / "c", {}, base=str(tmp_path / "absent"))


def test_tiny_without_pairs_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="pass --input pairs/NAME=DIR"):
        run(tmp_path / "a", {})
