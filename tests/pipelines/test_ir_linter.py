"""The IR linter on pipelines compiled by the real kfp: those that break a rule, and one that keeps them all."""

from typing import Any

import pytest
from kfp import dsl

from pipelines.ir_linter import RULES, ir, lint, looks_secret
from tests.pipelines.breaking_pipelines import (
    BREAKING,
    Builder,
    cached_task,
    plan_cells,
    score_cell,
    summarise,
    uncached,
)


def rules_broken_by(pipeline: Any) -> set[str]:
    return {finding.rule for finding in lint(ir(pipeline))}


@pytest.mark.parametrize(("rule", "build"), BREAKING, ids=[build.__name__ for _, build in BREAKING])
def test_breaking_pipeline_is_found_and_nothing_else_is(rule: str, build: Builder) -> None:
    assert rules_broken_by(build()) == {rule}


def test_every_rule_has_a_breaking_pipeline() -> None:
    assert {rule for rule, _ in BREAKING} == set(RULES)


def test_pipeline_that_keeps_the_rules_has_no_finding() -> None:
    @dsl.pipeline(name="inner")
    def score_group(group: str) -> None:
        with dsl.ParallelFor(uncached(plan_cells(count=2)).output) as cell:
            uncached(score_cell(cell=cell))

    @dsl.pipeline(name="p")
    def pipeline(mode: str = "all", count: int = 3, dry: bool = False, pad_token: str = "<pad>") -> None:
        cells = uncached(plan_cells(count=count))
        with dsl.ParallelFor(cells.output, parallelism=4) as cell:
            scored = uncached(score_cell(cell=cell))
            with dsl.If(scored.outputs["Output"] == "a-b c"):
                uncached(score_cell(cell=cell))
            uncached(score_group(group=cell))
        with dsl.If(mode == "all"):
            uncached(score_cell(cell=pad_token))
        with dsl.Elif(count >= 4):
            uncached(score_cell(cell="b"))
        with dsl.Elif(dry == True):  # noqa: E712 - kfp builds the condition from the comparison
            uncached(score_cell(cell="d"))
        with dsl.Else():
            uncached(score_cell(cell="c"))
        uncached(summarise(cells=cells.output)).ignore_upstream_failure()

    assert lint(ir(pipeline)) == []


def test_a_finding_reads_as_one_line_that_names_the_task() -> None:
    [finding] = lint(ir(cached_task()))
    assert str(finding).startswith("task score-cell of root leaves KFP's cache on")
    assert "\n" not in str(finding)


@pytest.mark.parametrize(
    "name", ["hf_token", "githubToken", "TOKEN", "api_key", "OPENAI_API_KEY", "db-password", "client_secret"]
)
def test_secret_names(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize(
    "name", ["max_tokens", "tokenizer", "token_budget", "pad_token", "row_key", "config", "keyword"]
)
def test_harmless_names(name: str) -> None:
    assert not looks_secret(name)
