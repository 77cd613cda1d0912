"""The published system prompts: read from where a user has them, checked by hash, stored as one JSON file.

Published Themis checkpoints were trained on this wording, so scoring them as published needs its bytes. The texts are
not ours to ship; their hashes are facts (facts/evaluation.md section 2.1), and only texts that match are taken.
"""

import ast
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from themis_common.errors import UserError
from themis_common.prompts.registry import PromptMode
from themis_common.store import Store
from themis_common.taxonomy import CODE_CRITERIA, Criterion

ALL_CRITERIA: Final = "Full"
"""The published name of the prompt that lists all criteria."""

PUBLISHED_SHA256: Final[Mapping[str, str]] = {
    ALL_CRITERIA: "2524ed9c0c7e062682f54ce12cba487518714e582ba196cc208893bcb450a6bf",
    "Functional_Correctness": "baf33353bf0750b1cd88d2552e3870c98d7e06cbf929da2755d539ab7c6e8533",
    "Memory_Efficiency": "ebb70eb45479b7e086d4441b7e15dc8dc3cb7ea32cd637867ff1ff284e925c79",
    "Readability_Maintainability": "f80005fbfcb3ae332168e1ca0c16ba6fc494883afcad3ea6bc3b90d19c979f5c",
    "Runtime_Efficiency": "56479421ee47a598ca5b4259bfb6c366ffaa0dd6d7c73888f809049b7b22cc32",
    "Security_Hardness": "8a4f884c6e84409bae4f4ccaccc75092b57989ac7ca64839cf3f36f3c790d340",
}
"""SHA-256 of the UTF-8 bytes of each published evaluation prompt."""

_TEXT_SUFFIXES = (".txt", ".md")


class PublishedPrompts:
    """The six published texts.

    Args:
        texts: by published name.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)

    def text(self, mode: PromptMode, criterion: Criterion) -> str | None:
        """The system prompt of a row, or None where it has none.

        A row of a general criterion has none of its own: the published set knows the five code criteria only, and
        gives rows of any other no system turn.
        """
        match mode:
            case PromptMode.NONE:
                return None
            case PromptMode.ALL:
                return self._texts[ALL_CRITERIA]
            case PromptMode.CRITERION:
                return self._texts[criterion.key] if criterion in CODE_CRITERIA else None

    def to_json(self) -> str:
        """The stored form."""
        return json.dumps(self._texts, indent=1, sort_keys=True) + "\n"


def find_prompts(path: Path, expected: Mapping[str, str] = PUBLISHED_SHA256) -> PublishedPrompts:
    """Take the published texts from a file or folder.

    A folder holds one text file a prompt, named after it. A `.json` or `.yaml` file maps names to texts. Of a `.py`
    file, such as a published evaluation script, the dict literal with these keys is read; nothing in it is executed.

    Args:
        expected: SHA-256 of each text by name.

    Raises:
        UserError: nothing is found, or a text differs from the published one; names it.
    """
    candidates = list(_mappings(path))
    named = [found for found in candidates if expected.keys() <= found.keys()]
    if not named:
        raise UserError(
            f"{path}: no texts named {', '.join(expected)}; give a folder of text files with these names, a JSON or "
            "YAML file, or a Python file that has them in a dict"
        )
    return PublishedPrompts(_checked({name: named[0][name] for name in expected}, expected, str(path)))


def load_prompts(store: Store, name: str, expected: Mapping[str, str] = PUBLISHED_SHA256) -> PublishedPrompts:
    """Read stored prompts and check them again.

    Raises:
        UserError: there are none, or the file was changed.
    """
    where = f"{store.uri}/{name}"
    try:
        texts = json.loads(store.read_bytes(name))
    except FileNotFoundError as error:
        raise UserError(f"{where} does not exist; make it with: themis prompts import PATH") from error
    except ValueError as error:
        raise UserError(f"{where} is no JSON; make it again with: themis prompts import PATH") from error
    return PublishedPrompts(_checked(texts, expected, where))


def _checked(texts: Mapping[str, Any], expected: Mapping[str, str], where: str) -> dict[str, str]:
    for name, digest in expected.items():
        text = texts.get(name)
        if not isinstance(text, str):
            raise UserError(f"{where}: prompt {name} is missing")
        found = hashlib.sha256(text.encode()).hexdigest()
        if found != digest:
            raise UserError(
                f"{where}: prompt {name} has SHA-256 {found[:16]}..., the published one {digest[:16]}...; the bytes "
                "must be equal, white space at the ends included"
            )
    return {name: texts[name] for name in expected}


def _mappings(path: Path) -> Iterator[Mapping[str, Any]]:
    """Everything at the path that maps names to texts."""
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.suffix in _TEXT_SUFFIXES and file.is_file()]
        yield {file.stem: _read(file) for file in files}
        return
    text = _read(path)
    match path.suffix:
        case ".py":
            yield from _dict_literals(text, path)
        case ".json" | ".yaml" | ".yml":
            # JSON is YAML
            try:
                document = yaml.safe_load(text)
            except yaml.YAMLError as error:
                raise UserError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error
            if isinstance(document, Mapping):
                yield document
        case _:
            raise UserError(f"{path}: give a folder, or a .json, .yaml or .py file")


def _read(path: Path) -> str:
    try:
        # newlines as they are: the hashes are over bytes
        return path.read_bytes().decode()
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file or folder") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read as UTF-8 text ({error})") from error


def _dict_literals(source: str, path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{path}: is no Python 3 source ({error})") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield {
                key.value: value.value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
                and isinstance(key.value, str)
                and isinstance(value, ast.Constant)
            }
