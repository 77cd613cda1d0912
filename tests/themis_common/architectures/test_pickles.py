"""Pickled weights: tensors alone come through, anything that would run code does not."""

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.components.evaluation.scalar.checkpoints import ldl_pickles
from themis_common.architectures.pickles import convert_file, unconverted_files
from themis_common.errors import UserError


class _Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("ran-code",)


def test_a_head_gets_the_name_of_its_file_as_prefix(tmp_path: Path) -> None:
    tensors = ldl_pickles(torch.Generator().manual_seed(1))["gating_layer.pt"]
    torch.save(tensors, tmp_path / "gating_layer.pt")
    convert_file(tmp_path / "gating_layer.pt", tmp_path / "gating_layer.safetensors")
    found = load_file(tmp_path / "gating_layer.safetensors")
    assert found.keys() == {f"gating_layer.{name}" for name in tensors}
    torch.testing.assert_close(
        found["gating_layer.network.3.bias"], tensors["network.3.bias"], rtol=0, atol=0
    )


def test_weights_are_converted_only_where_there_are_no_others(tmp_path: Path) -> None:
    for name in (
        "pytorch_model-00001-of-00002.bin",
        "training_args.bin",
        "optimizer.pt",
        "regression_layer.pt",
    ):
        torch.save({"x": torch.ones(1)}, tmp_path / name)
    assert [path.name for path in unconverted_files(tmp_path)] == [
        "pytorch_model-00001-of-00002.bin",
        "regression_layer.pt",
    ]
    save_file({"x": torch.ones(1)}, tmp_path / "model.safetensors")
    assert [path.name for path in unconverted_files(tmp_path)] == ["regression_layer.pt"]


def test_tied_tensors_are_written_twice_and_dtypes_are_kept(tmp_path: Path) -> None:
    embedding = torch.randn(4, 3).bfloat16()
    file = tmp_path / "pytorch_model.bin"
    torch.save({"model.embed_tokens.weight": embedding, "lm_head.weight": embedding}, file)
    convert_file(file, tmp_path / "out.safetensors")
    found = load_file(tmp_path / "out.safetensors")
    assert found["lm_head.weight"].dtype == torch.bfloat16
    assert torch.equal(found["lm_head.weight"], found["model.embed_tokens.weight"])


@pytest.mark.parametrize(
    "content",
    [
        {"w": _Harmful()},
        [torch.ones(1)],
        {"w": 3},
        {3: torch.ones(1)},
        {"w": torch.ones(2).to_sparse()},
        {"w": torch.ones(2, device="meta")},
    ],
    ids=["code", "list", "int", "key", "sparse", "meta"],
)
def test_anything_but_named_tensors_is_refused_and_not_run(
    content: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "pytorch_model.bin"
    torch.save(content, file)
    with pytest.raises(UserError, match=r"pytorch_model\.bin .*: ask for safetensors") as caught:
        convert_file(file, tmp_path / "out.safetensors")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran-code").exists()
    assert not (tmp_path / "out.safetensors").exists()


def test_a_plain_pickle_and_a_cut_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "pytorch_model.bin"
    for content in (pickle.dumps(_Harmful(), protocol=2), b"", b"PK\x03\x04 cut"):
        file.write_bytes(content)
        with pytest.raises(UserError, match="cannot be read as tensors alone"):
            convert_file(file, tmp_path / "out.safetensors")
    assert not (tmp_path / "ran-code").exists()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_changed_byte_costs_at_most_one_line(zipped: bool, tmp_path: Path) -> None:
    file = tmp_path / "pytorch_model.bin"
    torch.save({"a": torch.ones(4), "b": torch.zeros(2, 3)}, file, _use_new_zipfile_serialization=zipped)
    whole = file.read_bytes()
    refusals = []
    for position in range(0, len(whole), 3):
        file.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        refusals.append(_refusal(file, tmp_path / "out.safetensors"))
    assert any(refusals)
    assert not any("\n" in refusal for refusal in refusals)


def _refusal(file: Path, target: Path) -> str:
    """Why the file is not converted; empty where it is."""
    try:
        convert_file(file, target)
    except UserError as error:
        return str(error)
    return ""
