"""Real compilers read the templates of their language; a machine without one skips its language."""

import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from pipelines.sample_data.change import ChangeTemplate, MinedChange, render
from pipelines.sample_data.templates.catalogue import CATALOGUE, FRAGMENTS
from pipelines.sample_data.words import BENCHMARK_PROJECTS, MINED_PROJECTS, draw_words
from themis_common.taxonomy import Language

needs = {
    name: pytest.mark.skipif(shutil.which(name) is None, reason=f"no {name} here")
    for name in ("gcc", "g++", "node", "javac")
}


def write_all(language: Language, folder: Path, suffix: str) -> list[Path]:
    """Both versions of an instance of every template of a language, each in a folder of its own."""
    files = []
    for template in CATALOGUE:
        if template.language is language:
            files += write_one(template, folder, suffix)
    assert files
    return files


def write_one(template: ChangeTemplate, folder: Path, suffix: str) -> list[Path]:
    projects = tuple(MINED_PROJECTS.values()) if isinstance(template, MinedChange) else BENCHMARK_PROJECTS
    generator = random.Random(template.id)
    words = draw_words(generator.choice(projects), 1, generator)
    versions = render(template, words, FRAGMENTS[template.language], generator)
    files = []
    for name, text in (("before", versions.before), ("after", versions.after)):
        public = re.search(r"^public (?:final )?class (\w+)", text, re.MULTILINE)
        stem = public[1] if public else template.name
        file = folder / template.criterion.key / template.name / name / f"{stem}{suffix}"
        file.parent.mkdir(parents=True)
        file.write_text(text)
        files.append(file)
    return files


def compile_all(command: list[str], files: list[Path]) -> None:
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@needs["gcc"]
def test_c_compiles(tmp_path: Path) -> None:
    compile_all(["gcc", "-std=c11", "-w", "-fsyntax-only"], write_all(Language.C, tmp_path, ".c"))


@pytest.mark.slow
@needs["g++"]
def test_cpp_compiles(tmp_path: Path) -> None:
    compile_all(["g++", "-std=c++17", "-w", "-fsyntax-only"], write_all(Language.CPP, tmp_path, ".cpp"))


@needs["node"]
def test_javascript_parses(tmp_path: Path) -> None:
    program = (
        "const { readFileSync } = require('fs'); const { Script } = require('vm');"
        "for (const file of process.argv.slice(1)) {"
        "  new Script('(function () {' + readFileSync(file, 'utf8') + '})', { filename: file });"
        "}"
    )
    compile_all(["node", "-e", program], write_all(Language.JAVASCRIPT, tmp_path, ".js"))


@pytest.mark.slow
@needs["javac"]
def test_java_compiles(tmp_path: Path) -> None:
    # each version lies in a package of its own so that one run of the compiler can read them all
    files = write_all(Language.JAVA, tmp_path, ".java")
    for number, file in enumerate(files):
        file.write_text(re.sub(r"^package \w+;", f"package version{number};", file.read_text()))
    compile_all(["javac", "-nowarn", "-proc:none", "-d", str(tmp_path / "classes")], files)
