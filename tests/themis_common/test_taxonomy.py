"""Every published spelling finds its member; nothing else does."""

import pytest

from themis_common.errors import UserError
from themis_common.taxonomy import CODE_CRITERIA, CODE_LANGUAGES, Criterion, Language


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("R&M", "Readability_Maintainability"),
        ("Read", "Readability_Maintainability"),
        ("Readability and Maintainability", "Readability_Maintainability"),
        ("readability & maintainability", "Readability_Maintainability"),
        ("EE", "Runtime_Efficiency"),
        ("RE", "Runtime_Efficiency"),
        ("RT", "Runtime_Efficiency"),
        ("SH", "Security_Hardness"),
        ("Sec", "Security_Hardness"),
        ("ME", "Memory_Efficiency"),
        ("Mem", "Memory_Efficiency"),
        ("FC", "Functional_Correctness"),
        ("functional_correctness", "Functional_Correctness"),
        (5, "Helpfulness"),
        (6, "Harmlessness"),
    ],
)
def test_criterion_aliases(name: str | int, key: str) -> None:
    assert Criterion.parse(name).key == key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("C++", "Cpp"),
        ("c-plus-plus", "Cpp"),
        ("C#", "CSharp"),
        ("c-sharp", "CSharp"),
        ("CSharp", "CSharp"),
        ("C", "C"),
        ("golang", "Go"),
        ("javascript", "JavaScript"),
        ("Java", "Java"),
        (8, "NL"),
        (0, "JavaScript"),
    ],
)
def test_language_aliases(name: str | int, key: str) -> None:
    assert Language.parse(name).key == key


def test_ids_are_the_class_label_order() -> None:
    assert [member.id for member in Criterion] == list(range(7))
    assert [member.id for member in Language] == list(range(9))
    assert len(CODE_CRITERIA) == 5
    assert len(CODE_LANGUAGES) == 8


def test_no_spelling_names_two_members() -> None:
    for enum in (Criterion, Language):
        for member in enum:
            for name in (member.key, member.label, *member.aliases):
                assert enum.parse(name) is member, name


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(
        UserError, match=r"unknown criterion 'Speed': use one of Readability_Maintainability, .*"
    ):
        Criterion.parse("Speed")
    with pytest.raises(UserError, match="unknown language 99"):
        Language.parse(99)
