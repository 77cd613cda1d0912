"""What an engine's configuration refuses, and what of it affects results."""

from dataclasses import replace
from typing import Any

import pytest

from tests.readmes import ROOT, first_cells, section
from themis_common.config import config_hash, fields_of, load_config
from themis_common.errors import UserError
from themis_common.llm.config import BudgetConfig, EngineConfig, LimitsConfig

ENDPOINT: dict[str, Any] = {"engine": "openai", "model": "judge", "base_url": "http://localhost:8000/v1"}


def refused(values: dict[str, Any]) -> str:
    with pytest.raises(UserError) as refusal:
        load_config(EngineConfig, values, where="recipe.yaml: llm")
    return str(refusal.value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"engine": "oracle"}, "unknown engine 'oracle': use one of openai, rules"),
        ({"model": "judge"}, "a model or base_url is named but the engine is rules; set engine: openai"),
        ({"engine": "openai", "model": "judge"}, "needs model and base_url"),
        ({"engine": "openai", "base_url": "http://localhost/v1"}, "needs model and base_url"),
        ({**ENDPOINT, "base_url": "localhost:8000"}, "base_url is no http or https address"),
        ({**ENDPOINT, "base_url": "ftp://host/v1"}, "base_url is no http or https address"),
        ({**ENDPOINT, "base_url": "http://[::1/v1"}, "base_url is no URL"),
        ({**ENDPOINT, "temperature": -1}, "temperature -1.0 must be 0 or more"),
        ({**ENDPOINT, "top_p": 0}, "top_p 0.0 above 0"),
        ({**ENDPOINT, "responses": "answers"}, "responses 'answers' is a relative path"),
        ({**ENDPOINT, "extra_body": {"stream": True}}, "extra_body.stream is set by Themis"),
        ({**ENDPOINT, "extra_body": {"x": float("nan")}}, "extra_body holds a value that JSON does not know"),
        ({**ENDPOINT, "limits": {"concurrency": 0}}, "limits.concurrency must be at least 1, found 0"),
        ({**ENDPOINT, "limits": {"requests_per_minute": 0}}, "limits.requests_per_minute must be at least 1"),
        ({**ENDPOINT, "limits": {"timeout_seconds": 0}}, "limits.timeout_seconds must be above 0"),
        ({**ENDPOINT, "limits": {"atempts": 1}}, "limits.atempts"),
        ({**ENDPOINT, "budget": {"max_requests": -1}}, "budget.max_requests must be 0 or more"),
        ({**ENDPOINT, "budget": {"max_spend": 1}}, "max_spend needs prices"),
        ({**ENDPOINT, "budget": {"price_in": -1}}, "must be 0 or more"),
        (
            {**ENDPOINT, "extra_body": {"max_tokens": None}, "budget": {"max_spend": 1, "price_in": 1}},
            "max_spend needs a bound on answers",
        ),
    ],
)
def test_wrong_values_cost_one_line(values: dict[str, Any], message: str) -> None:
    said = refused(values)
    assert message in said
    assert said.startswith("recipe.yaml: llm")


@pytest.mark.parametrize(
    "values",
    [
        {"api_key_env": "sk-s3cret"},
        {"api_key_env": "hf_s3cret"},
        {"base_url": "https://me:s3cret@host/v1"},
        {"base_url": "https://host/v1?api-key=s3cret"},
    ],
)
def test_a_key_in_the_wrong_place_is_refused_and_not_repeated(values: dict[str, Any]) -> None:
    said = refused({**ENDPOINT, **values})
    assert "api_key_env" in said
    assert "s3cret" not in said


def test_what_affects_results_is_the_model_and_what_it_is_asked() -> None:
    config = EngineConfig(**ENDPOINT)
    for same in (
        replace(config, base_url="https://elsewhere/v1"),
        replace(config, api_key_env="KEY"),
        replace(config, batch_size=1),
        replace(config, responses="/answers"),
        replace(config, limits=LimitsConfig(concurrency=1)),
        replace(config, budget=BudgetConfig(max_requests=1)),
    ):
        assert config_hash(same) == config_hash(config)
    for other in (
        replace(config, model="other"),
        replace(config, temperature=0.0),
        replace(config, top_p=1.0),
        replace(config, max_tokens=1),
        replace(config, extra_body={"reasoning_effort": "low"}),
    ):
        assert config_hash(other) != config_hash(config)


def test_longest_answer_follows_the_fields_that_are_sent() -> None:
    assert EngineConfig(**ENDPOINT).longest_answer == 2560
    renamed = {"max_tokens": None, "max_completion_tokens": 99}
    assert EngineConfig(**ENDPOINT, extra_body=renamed).longest_answer == 99
    assert EngineConfig(**ENDPOINT, extra_body={"max_tokens": None}).longest_answer is None


def test_the_readme_lists_the_options() -> None:
    told = first_cells(section(ROOT / "themis_common" / "llm" / "README.md", "Options"))
    assert sorted(told) == sorted(field.name for field in fields_of(EngineConfig))
