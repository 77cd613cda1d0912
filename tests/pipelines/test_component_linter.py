"""Each rule on component files: a file that breaks it, and files that keep them all."""

from pathlib import Path

import pytest

from tests.pipelines.component_linter import MAX_STATEMENTS, RULES, lint_component_file

HEADER = "from kfp import dsl\nfrom themis_common.images import image\n"
DECORATOR = '@dsl.component(base_image=image("data"), install_kfp_package=False)\n'

BREAKING = [
    ("future-annotations", 1, f"from __future__ import annotations\n{HEADER}"),
    ("import", 3, f"{HEADER}import pyarrow\n"),
    ("import", 3, f"{HEADER}from components.dataset.deduplicate import stage\n"),
    ("import", 3, f"{HEADER}from . import stage\n"),
    ("import", 3, f"{HEADER}from themis_common import schemas\n"),
    ("module-global", 6, f"{HEADER}LIMIT = 3\n{DECORATOR}def f(x: int) -> int:\n    return x + LIMIT\n"),
    ("module-global", 5, f"{HEADER}LIMIT = 3\n{DECORATOR}def f(x: int = LIMIT) -> int:\n    return x\n"),
    (
        "module-global",
        5,
        f"{HEADER}from pathlib import Path\n{DECORATOR}def f(x: Path) -> int:\n    return 1\n",
    ),
    ("module-global", 7, f"{HEADER}def g():\n    return 1\n{DECORATOR}def f() -> int:\n    return g()\n"),
    ("long-body", 4, f"{HEADER}{DECORATOR}def f() -> None:\n" + "    print()\n" * (MAX_STATEMENTS + 1)),
    ("untyped-list", 4, f"{HEADER}{DECORATOR}def f() -> list:\n    return []\n"),
    (
        "untyped-list",
        5,
        f"{HEADER}from typing import List\n{DECORATOR}def f(x: List) -> None:\n    print(x)\n",
    ),
]

CLEAN = [
    f"{HEADER}{DECORATOR}def f() -> None:\n    '''Doc.'''\n" + "    print()\n" * MAX_STATEMENTS,
    f"{HEADER}import kfp\nfrom kfp.dsl import Dataset\nfrom typing import List\n"
    f"{DECORATOR}def f(x: List[str], y: dsl.Output[Dataset]) -> List[str]:\n"
    "    from pathlib import Path\n    Path(y.path).write_text('a')\n    return [item for item in x]\n",
    f"{HEADER}LIMIT = 3\ndef not_a_component() -> int:\n    return LIMIT\n",
    f"{HEADER}LIMIT = 3\n{DECORATOR}def f(x: int) -> int:\n    LIMIT = 2\n    return LIMIT\n",
]


def write(folder: Path, source: str) -> Path:
    file = folder / "component.py"
    file.write_text(source)
    return file


@pytest.mark.parametrize(("rule", "line", "source"), BREAKING)
def test_breaking_file_has_this_finding_alone(tmp_path: Path, rule: str, line: int, source: str) -> None:
    [finding] = lint_component_file(write(tmp_path, source))
    assert (finding.rule, finding.line) == (rule, line)


@pytest.mark.parametrize("source", CLEAN)
def test_clean_file_has_none(tmp_path: Path, source: str) -> None:
    assert lint_component_file(write(tmp_path, source)) == []


def test_every_rule_has_a_breaking_file() -> None:
    assert {rule for rule, _, _ in BREAKING} == set(RULES)


def test_finding_reads_as_a_line_that_an_editor_opens(tmp_path: Path) -> None:
    file = write(tmp_path, f"{HEADER}import pyarrow\n")
    assert str(lint_component_file(file)[0]).startswith(f"{file}:3: import pyarrow is neither")


ROOT = Path(__file__).parents[2]
COMPONENT_FILES = sorted(ROOT.glob("components/*/*/component.py"))


def test_the_project_has_component_files() -> None:
    assert COMPONENT_FILES


@pytest.mark.parametrize("file", COMPONENT_FILES, ids=lambda file: file.parent.name)
def test_component_files_of_the_project_keep_the_rules(file: Path) -> None:
    assert [str(finding) for finding in lint_component_file(file)] == []
