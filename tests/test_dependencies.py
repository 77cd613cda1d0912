"""What the code imports is declared: none of it is there only because another package happens to need it today."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import files, packages_distributions
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_import_rules import ROOT, sources
from themis_common.images import IMAGES, ImageName

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

OURS: Final = {"components", "images", "pipelines", "tests", "themis_common"}

# The type checker has this one itself; no program can load it.
TYPES_ONLY: Final = {"_typeshed"}

# What only tests import and an extra brings: Liger's kernels are written in triton.
BROUGHT_FOR_TESTS: Final = {"triton"}

# Every image has kfp for the executor that starts the task; no extra of an image names it.
IN_EVERY_IMAGE: Final = {"kfp"}

# No stored model has adapters, so that scoring adds none; but reading weights needs the module that can.
NEVER_CALLED: Final = {("components.evaluation.score_benchmark", "peft")}


def imported_modules(file: Path) -> Iterator[str]:
    """Every module that the file names, in functions and for types, too; of `from m import x` both m and m.x."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def external(modules: Iterator[str]) -> set[str]:
    """The distributions of third parties that hold the modules."""
    known = sys.stdlib_module_names | OURS | TYPES_ONLY
    return {one for module in modules if module.partition(".")[0] not in known for one in holders(module)}


@cache
def holders(module: str) -> frozenset[str]:
    """The distribution that holds a module; none for what lies in several (`google.cloud`) or is no module.

    One that is not installed, such as liger-kernel, is taken to be called as its module is.
    """
    top = module.partition(".")[0]
    found = {canonicalize_name(name) for name in distributions().get(top, [top])}
    if len(found) > 1:
        path = module.replace(".", "/")
        found = {name for name in found if {f"{path}.py", f"{path}/__init__.py"} & python_files(name)}
    return frozenset(found)


@cache
def distributions() -> Mapping[str, list[str]]:
    """The distributions that hold each top-level module; it takes a while to find out."""
    return packages_distributions()


@cache
def python_files(distribution: str) -> frozenset[str]:
    return frozenset(file.as_posix() for file in files(distribution) or () if file.suffix == ".py")


def declared(*extras: str) -> set[str]:
    """The distributions that pyproject.toml names for every command and in the extras."""
    lines = [
        *PROJECT["dependencies"],
        *(line for one in extras for line in PROJECT["optional-dependencies"][one]),
    ]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def undeclared(found: list[Path], allowed: set[str]) -> list[tuple[str, str]]:
    """Each file with a distribution that it imports and that is not among the allowed ones."""
    return [
        (str(file.relative_to(ROOT)), missing)
        for file in found
        for missing in sorted(external(imported_modules(file)) - allowed)
    ]


def test_what_the_code_imports_is_declared() -> None:
    assert undeclared(sources(), declared(*PROJECT["optional-dependencies"].keys() - {"dev"})) == []


def test_what_the_tests_import_is_declared() -> None:
    peers = ROOT / "tests" / "benchmarks" / "peers"  # run in environments of their own
    tests = [file for file in sorted((ROOT / "tests").rglob("*.py")) if peers not in file.parents]
    assert undeclared(tests, declared(*PROJECT["optional-dependencies"]) | BROUGHT_FOR_TESTS) == []


@pytest.mark.parametrize(
    ("line", "distribution"),
    [
        ("import requests", "requests"),
        ("import yaml", "pyyaml"),
        ("from google.cloud import bigquery", "google-cloud-bigquery"),
        ("from google.auth.transport.requests import AuthorizedSession", "google-auth"),
        ("import google_crc32c", "google-crc32c"),
        ("def work():\n    import not_installed.anywhere", "not-installed"),
        ("if TYPE_CHECKING:\n    import wcwidth", "wcwidth"),
    ],
)
def test_the_distribution_of_an_import_is_found(tmp_path: Path, line: str, distribution: str) -> None:
    file = tmp_path / "made_up.py"
    file.write_text(
        f"import ast\nfrom themis_common import errors\nfrom _typeshed import SupportsRead\n{line}"
    )
    assert external(imported_modules(file)) == {distribution}


def images_of_stages() -> list[tuple[str, ImageName]]:
    """Each stage with the image that a pipeline runs it in, as its component or its fan-out says."""
    single = [
        (".".join(file.parent.relative_to(ROOT).parts), image)
        for file in sorted((ROOT / "components").glob("*/*/component.py"))
        for image in re.findall(r'image\("(\w+)"\)', file.read_text())
    ]
    fanned_out = [
        (f"components.{stage}", image)
        for file in sorted((ROOT / "pipelines").glob("*.py"))
        for stage, image in re.findall(r'= fan_out\("([\w.]+)", on="(\w+)"\)', file.read_text())
    ]
    return sorted({*single, *fanned_out})


def reachable(stage: str) -> set[Path]:
    """The stage's own files and all of ours that they import, in functions, too."""
    found: set[Path] = set()
    left = list((ROOT / Path(*stage.split("."))).rglob("*.py"))
    while left:
        file = left.pop()
        if file in found:
            continue
        found.add(file)
        for module in imported_modules(file):
            path = ROOT / Path(*module.split("."))
            left += [one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()]
    return found


@pytest.mark.parametrize(("stage", "image"), images_of_stages())
def test_an_image_declares_what_its_stages_import(stage: str, image: ImageName) -> None:
    spec = IMAGES[image]
    allowed = declared(*spec.extras, *spec.gpu_extras) | IN_EVERY_IMAGE
    imported = {one for file in reachable(stage) for one in external(imported_modules(file))}
    assert {one for one in imported - allowed if (stage, one) not in NEVER_CALLED} == set()


def test_every_phase_has_stages_in_images() -> None:
    phases = {stage.split(".")[1] for stage, _ in images_of_stages()}
    assert phases == {"dataset", "evaluation", "training"}
