"""The published prompts from every form a user may have them in; texts that differ by a byte are refused."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fixtures.shared import shared
from themis_common.errors import UserError
from themis_common.prompts.published import ALL_CRITERIA, PUBLISHED_SHA256, find_prompts, load_prompts
from themis_common.prompts.registry import PromptMode
from themis_common.store import open_store
from themis_common.taxonomy import CODE_CRITERIA, Criterion

TEXTS = {name: f"Judge.\n \n1. {name}\n" for name in PUBLISHED_SHA256}
EXPECTED = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in TEXTS.items()}


def as_folder(path: Path) -> Path:
    path.mkdir()
    for name, text in TEXTS.items():
        (path / f"{name}.txt").write_bytes(text.encode())
    return path


def as_json(path: Path) -> Path:
    file = path.with_suffix(".json")
    file.write_text(json.dumps({"note": 3, **TEXTS}))
    return file


def as_script(path: Path) -> Path:
    file = path.with_suffix(".py")
    marker = path.with_name("executed")
    entries = ",\n".join(f"  {name!r}: ({text[:4]!r}\n    {text[4:]!r})" for name, text in TEXTS.items())
    file.write_text(f"open({str(marker)!r}, 'w')\nOTHER = {{'a': 1}}\nclass P:\n  MAP = {{{entries}}}\n")
    return file


@pytest.mark.parametrize("form", [as_folder, as_json, as_script])
def test_every_form_gives_the_texts(form: Callable[[Path], Path], tmp_path: Path) -> None:
    found = find_prompts(form(tmp_path / "prompts"), EXPECTED)
    assert json.loads(found.to_json()) == TEXTS
    assert not (tmp_path / "executed").exists()


def test_a_row_gets_the_prompt_of_the_mode(tmp_path: Path) -> None:
    prompts = find_prompts(as_folder(tmp_path / "prompts"), EXPECTED)
    assert prompts.text(PromptMode.NONE, Criterion.SECURITY_HARDNESS) is None
    assert prompts.text(PromptMode.ALL, Criterion.SECURITY_HARDNESS) == TEXTS[ALL_CRITERIA]
    for criterion in CODE_CRITERIA:
        assert prompts.text(PromptMode.CRITERION, criterion) == TEXTS[criterion.key]
    assert prompts.text(PromptMode.CRITERION, Criterion.HELPFULNESS) is None


def test_a_byte_more_is_refused_by_name(tmp_path: Path) -> None:
    folder = as_folder(tmp_path / "prompts")
    with (folder / "Memory_Efficiency.txt").open("a") as file:
        file.write("\n")
    with pytest.raises(
        UserError, match=r"prompt Memory_Efficiency has SHA-256 \w{16}\.\.\., the published one"
    ):
        find_prompts(folder, EXPECTED)
    with pytest.raises(UserError, match="has SHA-256"):
        find_prompts(as_json(tmp_path / "own"))  # against the published hashes


def test_the_hashes_are_those_of_the_fact_sheet() -> None:
    facts = shared("facts", "evaluation.md").read_text()
    assert len(PUBLISHED_SHA256) == 6
    for name, digest in PUBLISHED_SHA256.items():
        assert any(line.startswith(f"| {name} |") and digest in line for line in facts.splitlines()), name


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("a.json", "{}", "no texts named Full"),
        ("a.yaml", "[", "cannot be read: while parsing"),
        ("a.py", "def", "is no Python 3 source"),
        ("a.txt", "Judge.", r"give a folder, or a \.json, \.yaml or \.py file"),
        ("a.json", b"\xff\xfe", "cannot be read as UTF-8"),
    ],
)
def test_what_is_no_prompt_set_is_said(file: str, content: str | bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / file
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match=message):
        find_prompts(path)


def test_stored_prompts_are_checked_again(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    prompts = find_prompts(as_folder(tmp_path / "prompts"), EXPECTED)
    store.write_bytes("p.json", prompts.to_json().encode())
    assert load_prompts(store, "p.json", EXPECTED).to_json() == prompts.to_json()
    store.write_bytes("p.json", prompts.to_json().replace("Judge", "Grade", 1).encode())
    with pytest.raises(UserError, match=r"p\.json: prompt \w+ has SHA-256"):
        load_prompts(store, "p.json", EXPECTED)
    with pytest.raises(UserError, match="does not exist; make it with: themis prompts import"):
        load_prompts(store, "q.json", EXPECTED)
