"""The checks before a cell: each set-up that would be scored wrongly is one line that says why."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.scalar import scorer
from components.evaluation.score_benchmark.scalar.encoding import Encoded
from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from components.evaluation.score_benchmark.scalar.preflight import (
    check_batch_invariance,
    check_rendering,
    choose_probes,
)
from components.evaluation.score_benchmark.scalar.scorer import ScalarModel
from components.evaluation.score_benchmark.stage import STAGE
from tests.components.evaluation.builders import ROWS, import_rows, publish_folder
from tests.components.evaluation.scalar import published_tokenizers as tokenizers
from tests.components.evaluation.scalar.checkpoints import PUBLISHED, write_checkpoint
from themis_common.architectures import architecture
from themis_common.errors import UserError
from themis_common.prompts.chat import Conversation, chatml_template
from themis_common.stages import run_stage

Loaded = Callable[[str], ScalarModel]


def _encoded(model: ScalarModel) -> dict[str, Encoded]:
    conversations = {row["id"]: Conversation(None, row["prompt"], row["chosen"]) for row in ROWS}
    return {key: model.encoder.encode(one) for key, one in conversations.items()}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_sound_model_passes(name: str, loaded: Loaded) -> None:
    model = loaded(name)
    check_rendering(model, "here")
    check_batch_invariance(model, choose_probes(_encoded(model)), "here")


def _refused(folder: Path, name: str, tokenizer: PreTrainedTokenizerFast | None = None) -> str:
    """The line under which the stage refuses to score a checkpoint with another tokenizer."""
    model = folder / "model"
    write_checkpoint(PUBLISHED[name], model)
    if tokenizer is not None:
        (model / "chat_template.jinja").unlink(missing_ok=True)
        tokenizer.save_pretrained(model)
    inputs = {
        "benchmark": import_rows(folder / "imported"),
        "model": publish_folder(model, folder / "published"),
    }
    config = ScoreBenchmarkConfig(architecture=name, device="cpu", prompt_mode="none")
    with pytest.raises(UserError) as caught:
        run_stage(STAGE, config, inputs, str(folder / "scores"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_two_start_tokens_are_refused(tmp_path: Path) -> None:
    doubled = tokenizers.llama3()
    doubled.chat_template = "{{ bos_token }}" + tokenizers.LLAMA3_TEMPLATE
    assert "starts with 2 start tokens '<|begin_of_text|>' instead of one" in _refused(
        tmp_path, "inform", doubled
    )


def test_a_start_token_that_also_opens_turns_is_counted_at_the_start_alone(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    write_checkpoint(PUBLISHED["seqcls"], folder)
    special = {"<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2}
    tokenizers.make_tokenizer(
        special=special, template=chatml_template(), bos="<|im_start|>"
    ).save_pretrained(folder)
    check_rendering(load_scalar_model(folder, architecture("seqcls"), LoadOptions()), "here")


def test_a_template_without_the_marker_is_refused(tmp_path: Path) -> None:
    # the body's vocabulary is large enough, but turns are written as in ChatML
    message = _refused(tmp_path, "qrm-llama", tokenizers.qwen())
    assert "the tokenizer does not fit architecture qrm-llama" in message
    assert "(marker_lost)" in message


def test_a_tokenizer_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    message = _refused(tmp_path, "seqcls", tokenizers.llama2(None))
    assert message.startswith(f"{tmp_path / 'published' / 'files'}: the tokenizer has no chat template")


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{% for i in range(10 ** 9) %}x{% endfor %}", "the chat template fails (Range too big."),
        ("{{ 1 // 0 }}", "the chat template fails ("),
        (
            "{% if 'number 1' in messages[0].content %}{{ raise_exception('not one') }}{% endif %}"
            "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}",
            "the chat template fails (not one)",
        ),
    ],
    ids=["bomb", "arithmetic", "one prompt"],
)
def test_a_template_that_fails_is_one_line(template: str, message: str, tmp_path: Path) -> None:
    found = _refused(tmp_path, "seqcls", tokenizers.qwen(template))
    assert found.startswith(str(tmp_path / "published"))
    assert message in found


def test_scores_that_depend_on_the_batch_are_refused(loaded: Loaded, monkeypatch: pytest.MonkeyPatch) -> None:
    model = loaded("seqcls")
    read = scorer.read_packed

    def leaking(body: Any, batch: Sequence[Encoded], device: torch.device) -> torch.Tensor:
        states = read(body, batch, device)
        return states + 0.05 * states.mean(dim=0)

    probes = choose_probes(_encoded(model))
    check_batch_invariance(model, probes, "here")
    monkeypatch.setattr(scorer, "read_packed", leaking)
    with pytest.raises(
        UserError, match="here: scores depend on the batch: alone and together they differ by"
    ):
        check_batch_invariance(model, probes, "here")


@pytest.mark.parametrize("weight", [float("nan"), float("inf")])
def test_a_model_that_gives_no_number_at_all_is_refused(loaded: Loaded, weight: float) -> None:
    model = loaded("seqcls")
    broken = dataclasses.replace(model.head, tensors={"score.weight": torch.full((1, 32), weight)})
    with pytest.raises(
        UserError, match="here: the model gives no number for any of 4 probes; try dtype float32"
    ):
        check_batch_invariance(
            dataclasses.replace(model, head=broken), choose_probes(_encoded(model)), "here"
        )


def test_a_model_that_gives_some_numbers_is_left_to_its_scores(
    loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded("seqcls")
    probes = choose_probes(_encoded(model))
    read = scorer.read_packed

    def overflowing(body: Any, batch: Sequence[Encoded], device: torch.device) -> torch.Tensor:
        others = torch.tensor([one is not probes[0] for one in batch])
        return read(body, batch, device).masked_fill(others[:, None, None], float("nan"))

    monkeypatch.setattr(scorer, "read_packed", overflowing)
    assert math.isfinite(model.score(probes[:1])[0])
    assert math.isnan(model.score(probes[-1:])[0])
    check_batch_invariance(model, probes, "here")


def test_nothing_to_score_is_no_reason_to_stop(loaded: Loaded) -> None:
    check_batch_invariance(loaded("seqcls"), choose_probes({}), "here")


def test_a_template_that_refuses_the_turns_of_an_architecture_is_refused(tmp_path: Path) -> None:
    strict = tokenizers.qwen(tokenizers.GEMMA_TEMPLATE.replace("bos_token", "''"))
    message = _refused(tmp_path, "worldpm", strict)
    assert "the chat template refuses a conversation (System role not supported)" in message
