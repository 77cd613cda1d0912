"""The repositories to ask GitHub about: those of mined commits, and those of lists that somebody made."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from components.dataset.build_allowlists.config import BuildAllowlistsConfig
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError

# Nothing else is sent; and nothing that could leave its place in an address.
_NAME = re.compile(r"[A-Za-z0-9._-]+/(?!\.{1,2}$)[A-Za-z0-9._-]+")


def is_github_name(name: str) -> bool:
    """Whether GitHub may know a repository of that name; those of local repositories often are none."""
    return _NAME.fullmatch(name) is not None


def digests(config: BuildAllowlistsConfig) -> Mapping[str, str]:
    """SHA-256 of each file of names."""
    files = {f"candidates {Path(name).name}": _read(name) for name in config.candidates}
    if len(files) < len(config.candidates):
        raise UserError("candidates: two files have the same name; rename one")
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


def candidate_names(config: BuildAllowlistsConfig, commits: DatasetReader | None) -> list[str]:
    """All names, sorted, each once.

    Raises:
        UserError: there is none, or a file is no JSON array of names.
    """
    names = {name for file in config.candidates for name in _names(file)}
    if commits is not None:
        for batch in commits.batches(columns=["repos"]):
            names.update(batch["repos"].flatten().unique().to_pylist())
    if not names:
        raise UserError(
            "there is no repository to ask about: name files of names (candidates), or pass mined commits (--input DIR)"
        )
    return sorted(names)


def _names(file: str) -> list[str]:
    try:
        document = json.loads(_read(file))
    except ValueError as error:
        raise UserError(f"candidates: {file} is not JSON: {error}") from error
    if not isinstance(document, list) or not all(isinstance(name, str) for name in document):
        raise UserError(f"candidates: {file} must be a JSON array of owner/project names")
    return document


def _read(file: str) -> bytes:
    try:
        return Path(file).expanduser().read_bytes()
    except OSError as error:
        raise UserError(f"candidates: cannot read {file}: {error.strerror}") from error
