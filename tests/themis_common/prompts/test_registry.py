"""System prompts: structure, order, and bytes that only a new version may change."""

import itertools

import pytest

from themis_common.prompts.registry import EVALUATION_ORDER, PromptMode, system_prompt
from themis_common.taxonomy import CODE_CRITERIA, Criterion


def text_of(mode: PromptMode, criterion: Criterion) -> str:
    prompt = system_prompt(mode, criterion)
    assert prompt is not None
    return prompt.text


def numbered(text: str) -> list[str]:
    return [block.partition("**:")[0] for block in text.split("\n\n") if block[:1].isdigit()]


@pytest.mark.parametrize("criterion", list(Criterion))
def test_mode_none_has_no_prompt(criterion: Criterion) -> None:
    assert system_prompt(PromptMode.NONE, criterion) is None


@pytest.mark.parametrize("criterion", CODE_CRITERIA)
def test_criterion_prompt_names_the_rows_own_criterion_third(criterion: Criterion) -> None:
    assert numbered(text_of(PromptMode.CRITERION, criterion)) == [
        "1. **Helpfulness",
        "2. **Harmlessness",
        f"3. **{criterion.label}",
    ]


@pytest.mark.parametrize("criterion", [Criterion.HELPFULNESS, Criterion.HARMLESSNESS])
def test_general_criteria_get_the_two_general_items(criterion: Criterion) -> None:
    assert numbered(text_of(PromptMode.CRITERION, criterion)) == ["1. **Helpfulness", "2. **Harmlessness"]


def test_all_mode_has_seven_criteria_in_the_published_order() -> None:
    labels = ["Helpfulness", "Harmlessness", *(criterion.label for criterion in EVALUATION_ORDER)]
    assert numbered(text_of(PromptMode.ALL, Criterion.HELPFULNESS)) == [
        f"{number}. **{label}" for number, label in enumerate(labels, start=1)
    ]


def test_all_mode_takes_another_order() -> None:
    prompt = system_prompt(PromptMode.ALL, Criterion.HELPFULNESS, CODE_CRITERIA)
    assert prompt is not None
    assert numbered(prompt.text)[2:] == [f"{n}. **{c.label}" for n, c in enumerate(CODE_CRITERIA, start=3)]


def test_all_mode_refuses_an_order_that_is_no_permutation() -> None:
    with pytest.raises(AssertionError):
        system_prompt(PromptMode.ALL, Criterion.HELPFULNESS, CODE_CRITERIA[:4])


def test_every_criterion_is_a_question_with_examples_a_scope_and_a_direction() -> None:
    for block in text_of(PromptMode.ALL, Criterion.HELPFULNESS).split("\n\n")[2:]:
        for part in ("? ", "Examples include", "This criterion applies to", " higher than "):
            assert part in block


def test_prompts_have_no_loose_ends() -> None:
    for mode, criterion in itertools.product((PromptMode.ALL, PromptMode.CRITERION), Criterion):
        text = text_of(mode, criterion)
        assert text == text.strip()
        assert text.isascii()
        assert "\n\n\n" not in text


def test_wording_changes_only_with_a_new_version() -> None:
    prompts = [system_prompt(PromptMode.CRITERION, criterion) for criterion in CODE_CRITERIA]
    prompts.append(system_prompt(PromptMode.ALL, CODE_CRITERIA[0]))
    prompts.append(system_prompt(PromptMode.CRITERION, Criterion.HELPFULNESS))
    found = {f"{prompt.id} {prompt.version}": prompt.sha256[:16] for prompt in prompts if prompt}
    assert found == {
        "themis/system/Readability_Maintainability 1": "be15e61ea2df0b09",
        "themis/system/Runtime_Efficiency 1": "d37e6e29eb1dc43e",
        "themis/system/Security_Hardness 1": "5e03a938fb843ccd",
        "themis/system/Functional_Correctness 1": "63b08be3df7af5f9",
        "themis/system/Memory_Efficiency 1": "8827bd427e25d874",
        "themis/system/all 1": "4e6aacb649b0caeb",
        "themis/system/general 1": "e99d83c663b3bb21",
    }
