"""Importing a model folder: files as they are, pickles converted once, and a score at the end of it."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from components.evaluation.import_model.stage import STAGE, ImportModelConfig
from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.stage import STAGE as SCORE_BENCHMARK
from tests.components.evaluation.builders import import_rows
from tests.components.evaluation.scalar.checkpoints import PUBLISHED, Tensors, write_checkpoint
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import MODEL_FILES, SCORES
from themis_common.stages import run_stage


def _import(folder: Path, output: Path) -> str:
    return run_stage(STAGE, ImportModelConfig(model=str(folder)), {}, str(output)).uri


def _scores(model: str, folder: Path) -> list[dict[str, Any]]:
    inputs = {"benchmark": import_rows(folder / "imported"), "model": model}
    config = ScoreBenchmarkConfig(device="cpu", prompt_mode="none")
    return list(
        DatasetReader(run_stage(SCORE_BENCHMARK, config, inputs, str(folder / "scores")).uri, SCORES).rows()
    )


def _as_published(folder: Path, tensors: Tensors) -> None:
    """Move the heads of LDL into the two pickles that it is published with."""
    for layer in ("regression_layer", "gating_layer"):
        head = {name.removeprefix(f"{layer}."): t for name, t in tensors.items() if name.startswith(layer)}
        torch.save(head, folder / f"{layer}.pt")
    body = {name: tensor for name, tensor in tensors.items() if "_layer.network" not in name}
    save_file(body, folder / "model.safetensors", metadata={"format": "pt"})


def test_heads_in_pickles_score_as_heads_in_safetensors(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    tensors = write_checkpoint(PUBLISHED["ldl"], plain)
    published = tmp_path / "published"
    shutil.copytree(plain, published)
    _as_published(published, tensors)
    (published / "modeling_custom.py").write_text("raise SystemExit")
    imported = _import(published, tmp_path / "imported-published")
    files = {row["path"] for row in DatasetReader(imported, MODEL_FILES).rows()}
    assert {"gating_layer.safetensors", "regression_layer.safetensors", "model.safetensors"} <= files
    assert not any(name.endswith((".py", ".pt")) for name in files)
    assert _scores(imported, tmp_path / "a") == _scores(
        _import(plain, tmp_path / "imported-plain"), tmp_path / "b"
    )


def test_pickled_weights_score_as_safetensors(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    tensors = write_checkpoint(PUBLISHED["ultra"], plain)
    pickled = tmp_path / "pickled"
    shutil.copytree(plain, pickled)
    (pickled / "model.safetensors").unlink()
    names = sorted(tensors)
    for number, part in enumerate((names[:5], names[5:]), start=1):
        torch.save(
            {name: tensors[name] for name in part}, pickled / f"pytorch_model-0000{number}-of-00002.bin"
        )
    imported = _import(pickled, tmp_path / "imported-pickled")
    assert _scores(imported, tmp_path / "a") == _scores(
        _import(plain, tmp_path / "imported-plain"), tmp_path / "b"
    )


def test_an_import_follows_the_content_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    write_checkpoint(PUBLISHED["seqcls"], folder)
    output = tmp_path / "imported"
    first = run_stage(STAGE, ImportModelConfig(model=str(folder)), {}, str(output))
    assert run_stage(STAGE, ImportModelConfig(model=str(folder)), {}, str(output)).cached
    tensors = load_file(folder / "model.safetensors")
    save_file({**tensors, "score.weight": -tensors["score.weight"]}, folder / "model.safetensors")
    with pytest.raises(UserError, match="holds the output of evaluation.import_model for another"):
        _import(folder, output)
    assert not first.cached


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no folder: download the model"):
        _import(tmp_path / "nowhere", tmp_path / "a")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no config.json"):
        _import(tmp_path / "empty", tmp_path / "b")
    (tmp_path / "empty" / "config.json").write_text("{}")
    with pytest.raises(UserError, match="holds no weights"):
        _import(tmp_path / "empty", tmp_path / "c")


def test_damaged_weights_are_named_where_the_user_has_them(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    write_checkpoint(PUBLISHED["seqcls"], folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4])
    with pytest.raises(UserError, match=f"^{weights} cannot be read as safetensors"):
        _import(folder, tmp_path / "a")
    weights.rename(folder / "model-00001-of-00002.safetensors")
    with pytest.raises(UserError, match=f"^{folder} holds 1 of the 2 files"):
        _import(folder, tmp_path / "b")
