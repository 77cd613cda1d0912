"""Scoring under imported system prompts: they reach the conversations, and their content is part of the result."""

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from components.evaluation.score_benchmark import system_texts as wording
from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.conversations import plan_conversations
from components.evaluation.score_benchmark.stage import STAGE
from components.evaluation.score_benchmark.system_texts import system_texts
from tests.components.evaluation.builders import ROWS
from themis_common.errors import UserError
from themis_common.prompts.published import ALL_CRITERIA, PUBLISHED_SHA256
from themis_common.prompts.registry import PromptMode

TEXTS = {name: f"Judge by {name}. \n" for name in PUBLISHED_SHA256}


def _expect(texts: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Take other texts for the published ones, which are not ours to ship."""
    digests = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    monkeypatch.setattr(wording, "PUBLISHED_SHA256", digests)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    _expect(TEXTS, monkeypatch)
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps(TEXTS))
    return path


def _identity(config: ScoreBenchmarkConfig) -> dict[str, str]:
    return STAGE.input_digests(config, {})


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (PromptMode.NONE, {None}),
        (PromptMode.ALL, {TEXTS[ALL_CRITERIA]}),
        (PromptMode.CRITERION, {TEXTS[row["aspect"]] for row in ROWS}),
    ],
)
def test_conversations_have_the_imported_texts(file: Path, mode: PromptMode, expected: set[str]) -> None:
    rows = [{"row_key": "", **row} for row in ROWS]
    plan = plan_conversations(rows, mode, system_texts(str(file)))
    assert {conversation.system for conversation in plan.conversations.values()} == expected


def test_the_result_depends_on_the_content_and_not_on_the_place(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ScoreBenchmarkConfig(prompts=str(file))
    here = _identity(config)
    elsewhere = tmp_path / "elsewhere.json"
    elsewhere.write_text(json.dumps(TEXTS, indent=2))
    assert _identity(ScoreBenchmarkConfig(prompts=str(elsewhere))) == here
    assert here.keys() == {"prompts"}
    changed = {**TEXTS, "Security_Hardness": "Judge by nothing."}
    _expect(changed, monkeypatch)
    file.write_text(json.dumps(changed))
    assert _identity(config) != here
    # without a system turn no prompt matters
    assert _identity(dataclasses.replace(config, prompt_mode="none")) == {}
    assert _identity(ScoreBenchmarkConfig()) == {}


def test_a_file_that_is_missing_or_changed_is_one_line(file: Path) -> None:
    with pytest.raises(UserError, match="none.json does not exist; make it with: themis prompts import"):
        _identity(ScoreBenchmarkConfig(prompts=str(file.with_name("none.json"))))
    file.write_text(json.dumps({**TEXTS, ALL_CRITERIA: "Judge."}))
    with pytest.raises(UserError, match="prompts.json: prompt Full has SHA-256"):
        _identity(ScoreBenchmarkConfig(prompts=str(file)))
