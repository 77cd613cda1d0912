"""Loading bodies: strictly, from data alone, and packed only where that computes the same."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from transformers import Gemma2Config, LlamaConfig, MistralConfig, PretrainedConfig, Qwen2Config

from components.evaluation.score_benchmark.scalar.body import can_be_packed
from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from components.evaluation.score_benchmark.scalar.scorer import ScalarModel
from tests.components.evaluation.scalar.checkpoints import PUBLISHED, Tensors
from themis_common.architectures import architecture
from themis_common.errors import UserError
from themis_common.prompts.chat import Conversation

Checkpoints = Callable[[str], tuple[Path, Tensors]]


def _changed(folder: Path, tensors: Tensors, target: Path, **changes: torch.Tensor | None) -> Path:
    """The checkpoint with other tensors; None takes one away."""
    shutil.copytree(folder, target)
    changed = {name: tensor for name, tensor in {**tensors, **changes}.items() if tensor is not None}
    save_file(changed, target / "model.safetensors", metadata={"format": "pt"})
    return target


def _load(folder: Path, name: str) -> ScalarModel:
    return load_scalar_model(folder, architecture(name), LoadOptions())


@pytest.mark.parametrize("name", ["seqcls", "internlm2", "starling", "qrm-gemma", "ldl", "nemotron"])
def test_every_tensor_of_the_body_is_needed_once(name: str, checkpoint: Checkpoints, tmp_path: Path) -> None:
    folder, tensors = checkpoint(name)
    prefix = PUBLISHED[name].prefix
    for number, tensor in enumerate(sorted(key for key in tensors if key.startswith(f"{prefix}layers.1."))):
        missing = _changed(folder, tensors, tmp_path / f"missing-{number}", **{tensor: None})
        with pytest.raises(UserError, match=f"tensor {tensor} is missing"):
            _load(missing, name)
        wide = torch.zeros(tensors[tensor].shape[0] + 1, *tensors[tensor].shape[1:])
        shaped = _changed(folder, tensors, tmp_path / f"shaped-{number}", **{tensor: wide})
        with pytest.raises(UserError, match=f"tensor {tensor} has shape .*, its config.json says"):
            _load(shaped, name)
        if number == 1:
            break
    extra = _changed(folder, tensors, tmp_path / "extra", **{f"{prefix}layers.9.x.weight": torch.zeros(1)})
    with pytest.raises(UserError, match=f"tensor {prefix}layers.9.x.weight belongs to no parameter"):
        _load(extra, name)


def test_code_in_the_folder_is_never_run(checkpoint: Checkpoints, tmp_path: Path) -> None:
    for name in ("internlm2", "qwen2-reward", "urm"):
        folder = tmp_path / name
        shutil.copytree(checkpoint(name)[0], folder)
        for file in ("modeling_internlm2.py", "tokenization_internlm2.py", "configuration_internlm2.py"):
            (folder / file).write_text("raise SystemExit('code of the hub ran')")
        for file, classes in (
            ("config.json", {"AutoConfig": "configuration_internlm2.C", "AutoModel": "modeling_internlm2.M"}),
            ("tokenizer_config.json", {"AutoTokenizer": ["tokenization_internlm2.T", None]}),
        ):
            values: dict[str, Any] = json.loads((folder / file).read_text())
            (folder / file).write_text(json.dumps({**values, "auto_map": classes}))
        model = _load(folder, name)
        encoded = model.encoder.encode(Conversation(None, "add", "a + b"))
        assert model.score([encoded]) == _load(checkpoint(name)[0], name).score([encoded])


def test_a_tokenizer_that_is_only_code_is_asked_for_otherwise(
    checkpoint: Checkpoints, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint("starling")[0], folder)
    for file in folder.glob("token*"):
        file.unlink()
    with pytest.raises(UserError, match="put the tokenizer files of 01-ai/Yi-34B-Chat there"):
        _load(folder, "starling")


@pytest.mark.parametrize("kept", [(), ("chat_template.jinja",)])
def test_a_folder_without_tokenizer_is_said(
    kept: tuple[str, ...], checkpoint: Checkpoints, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint("seqcls")[0], folder)
    (folder / "chat_template.jinja").write_text("{{ messages[0].content }}{{ messages[1].content }}")
    for file in folder.iterdir():
        if file.name not in ("config.json", "model.safetensors", *kept):
            file.unlink()
    with pytest.raises(
        UserError, match=r"no usable tokenizer .*: put the tokenizer files of the model there"
    ):
        _load(folder, "seqcls")


@pytest.mark.parametrize("file", ["tokenizer.json", "tokenizer_config.json"])
def test_a_damaged_tokenizer_is_one_line(file: str, checkpoint: Checkpoints, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint("seqcls")[0], folder)
    (folder / file).write_text("{")
    with pytest.raises(UserError, match="no usable tokenizer") as caught:
        _load(folder, "seqcls")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"num_attention_heads": 0},
        {"num_hidden_layers": "two"},
        {"dtype": "float99"},
        {"rope_scaling": {"type": "weird"}},
    ],
)
def test_a_configuration_that_describes_no_model_is_one_line(
    change: dict[str, Any], checkpoint: Checkpoints, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint("seqcls")[0], folder)
    values: dict[str, Any] = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, **change}))
    with pytest.raises(UserError, match=r"config\.json describes no model that can be scored") as caught:
        _load(folder, "seqcls")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rope_scaling": {"type": "linear", "factor": 2}}, "rope_scaling of type 'linear' is not supported"),
        ({"num_key_value_heads": None}, "num_key_value_heads is missing"),
    ],
)
def test_an_internlm2_that_llama_cannot_compute_is_refused(
    checkpoint: Checkpoints, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint("internlm2")[0], folder)
    values = {**json.loads((folder / "config.json").read_text()), **change}
    values = {key: value for key, value in values.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(values))
    with pytest.raises(UserError, match=message):
        _load(folder, "internlm2")


@pytest.mark.parametrize(
    ("config", "packed"),
    [
        (LlamaConfig(), True),
        (MistralConfig(sliding_window=4096), True),
        (MistralConfig(sliding_window=4095), False),
        (MistralConfig(sliding_window=None), True),
        (Gemma2Config(sliding_window=4096), False),
        (Gemma2Config(sliding_window=4096, attn_logit_softcapping=None), True),
        (Qwen2Config(use_sliding_window=False, sliding_window=128), True),
        (Qwen2Config(use_sliding_window=True, sliding_window=128, max_window_layers=0), False),
    ],
)
def test_packing_needs_plain_causal_attention(config: PretrainedConfig, packed: bool) -> None:
    assert can_be_packed(config, 4096) == packed


def test_the_models_own_limit_counts(checkpoint: Checkpoints, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(checkpoint("seqcls")[0], folder)
    values = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**values, "max_position_embeddings": 10}))
    with pytest.raises(UserError, match="10 allowed"):
        _load(folder, "seqcls").encoder.encode(Conversation(None, "add", "return a + b or something longer"))


def test_the_logit_of_a_tied_output_embedding_comes_from_the_input_embedding(
    checkpoint: Checkpoints, tmp_path: Path
) -> None:
    folder, tensors = checkpoint("nemotron")
    tied = _changed(folder, tensors, tmp_path / "tied", **{"lm_head.weight": None})
    values = json.loads((tied / "config.json").read_text())
    (tied / "config.json").write_text(json.dumps({**values, "tie_word_embeddings": True}))
    head = _load(tied, "nemotron").head
    assert torch.equal(head.tensors["lm_head.weight"], tensors["model.embed_tokens.weight"][:1])
