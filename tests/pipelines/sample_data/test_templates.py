import random
import re
from collections import Counter
from itertools import product

import pytest

from components.dataset.classify_aspects.terms import TermMatcher
from pipelines.sample_data.change import (
    BenchmarkChange,
    ChangeTemplate,
    FileVersions,
    MinedChange,
    fill,
    render,
)
from pipelines.sample_data.templates.catalogue import CATALOGUE, FRAGMENTS, benchmark_changes, mined_changes
from pipelines.sample_data.words import BENCHMARK_PROJECTS, MINED_PROJECTS, Project, draw_words
from themis_common.taxonomy import CODE_CRITERIA, CODE_LANGUAGES, Language

PROJECTS = (*MINED_PROJECTS.values(), *BENCHMARK_PROJECTS)


def by_id(template: ChangeTemplate) -> str:
    return template.id


def versions_of(
    template: ChangeTemplate, project: Project, number: int
) -> tuple[FileVersions, dict[str, str]]:
    generator = random.Random(number)
    words = draw_words(project, number, generator)
    return render(template, words, FRAGMENTS[template.language], generator), words


def test_every_cell_has_templates_to_mine_and_several_held_out() -> None:
    cells = set(product(CODE_LANGUAGES, CODE_CRITERIA))
    mined = Counter((one.language, one.criterion) for one in mined_changes(CODE_LANGUAGES))
    held_out = Counter((one.language, one.criterion) for one in benchmark_changes())
    assert set(mined) == set(held_out) == cells
    assert min(mined.values()) >= 3
    assert min(held_out.values()) >= 2


def test_length_alone_does_not_tell_the_better_version() -> None:
    for templates in (mined_changes(CODE_LANGUAGES), benchmark_changes()):
        longer = 0
        for template in templates:
            versions, _ = versions_of(template, PROJECTS[0], 0)
            longer += len(versions.after) > len(versions.before)
        assert 0.4 <= longer / len(templates) <= 0.65


def test_templates_have_unique_ids_and_there_are_enough_of_them() -> None:
    assert len({one.id for one in CATALOGUE}) == len(CATALOGUE) >= 200


def test_mined_and_held_out_templates_share_no_code_beyond_common_lines() -> None:
    def changed_lines(template: ChangeTemplate) -> set[str]:
        lines = {line[1:].strip() for line in template.change.split("\n") if line[:1] in ("-", "+")}
        return {line for line in lines if len(line) > 30}

    mined = set().union(*(changed_lines(one) for one in mined_changes(CODE_LANGUAGES)))
    held_out = set().union(*(changed_lines(one) for one in benchmark_changes()))
    assert len(mined & held_out) <= 0.02 * len(held_out), sorted(mined & held_out)


def test_a_language_has_the_templates_of_no_other() -> None:
    assert {one.language for one in mined_changes((Language.GO, Language.C))} == {Language.GO, Language.C}


@pytest.mark.parametrize("template", CATALOGUE, ids=by_id)
def test_template_makes_two_believable_versions(template: ChangeTemplate) -> None:
    for number, project in enumerate(PROJECTS):
        versions, words = versions_of(template, project, number)
        assert versions.before != versions.after
        for text in (versions.before, versions.after):
            assert not re.search(r"\$(\{|[a-z])", text), "a placeholder is left"
            assert 8 <= text.count("\n") <= 110
            assert text.endswith("\n")
            assert not text.endswith("\n\n")
            assert not re.search(r"\ba [aeiou]\w+ (is|was|of|from|must)\b", text), "wrong article"
            assert not re.search(r"[ \t]\n", text), "blanks at the end of a line"
            assert words["entity"] in text.lower() or words["entities"] in text.lower()


@pytest.mark.parametrize("template", [one for one in CATALOGUE if one.language is Language.PYTHON], ids=by_id)
def test_python_compiles_whatever_is_drawn(template: ChangeTemplate) -> None:
    for number in range(40):
        versions, _ = versions_of(template, PROJECTS[number % len(PROJECTS)], number)
        compile(versions.before, template.id, "exec")
        compile(versions.after, template.id, "exec")


def test_go_is_indented_with_tabs() -> None:
    template = next(one for one in CATALOGUE if one.language is Language.GO)
    versions, _ = versions_of(template, PROJECTS[0], 0)
    assert "\n\t" in versions.after
    assert "\n    " not in versions.after


@pytest.mark.parametrize("template", mined_changes(CODE_LANGUAGES), ids=by_id)
def test_messages_speak_of_the_criterion_as_commits_do(template: MinedChange) -> None:
    _, words = versions_of(template, PROJECTS[0], 0)
    matcher = TermMatcher(CODE_CRITERIA, "word")
    assert len(template.messages) >= 2
    for message in template.messages:
        subject, *body = fill(message, words).split("\n")
        assert 10 < len(subject) <= 110
        assert not body or body[0] == "", "one empty line divides subject and body"
        assert template.criterion in matcher.match(message)


@pytest.mark.parametrize("template", benchmark_changes(), ids=by_id)
def test_instructions_do_not_name_the_criterion(template: BenchmarkChange) -> None:
    _, words = versions_of(template, BENCHMARK_PROJECTS[0], 0)
    instruction = fill(template.instruction, words)
    assert len(instruction) > 80
    telling = r"\b(efficien\w*|fast|memory|secur\w*|readab\w*|correct\w*|bug\w*|safe|clean)\b"
    found = re.findall(telling, instruction.replace("safe for concurrent use", ""))
    assert found == []


def test_fragments_stand_around_the_change_in_both_versions_alike() -> None:
    template = next(one for one in CATALOGUE if one.name == "page-bounds")
    words = draw_words(PROJECTS[0], 0, random.Random(0))
    fragment = "def neighbour():\n    return 1\n"
    drawn = {render(template, words, (fragment,) * 3, random.Random(seed)) for seed in range(20)}
    counts = {(one.before.count("neighbour"), one.after.count("neighbour")) for one in drawn}
    assert counts == {(0, 0), (1, 1), (2, 2), (3, 3)}
    for one in drawn:
        assert "\n\n\n\n" not in one.before


def test_no_word_of_a_project_has_two_roles() -> None:
    for project in PROJECTS:
        nouns = [word for pair in project.entities for word in set(pair)]
        nouns += [*project.texts, *project.amounts, *project.owners]
        assert len(nouns) == len(set(nouns)), project.name
        assert len(project.entities) == 8


def test_templates_may_put_an_s_behind_fields_and_owners() -> None:
    for project in PROJECTS:
        for word in (*project.texts, *project.amounts, *project.owners):
            assert re.fullmatch(r"[a-z]+([^sy]|[aeiou]y)", word), word
