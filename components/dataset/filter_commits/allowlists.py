"""Repository allowlists: JSON files, each a flat array of `owner/project` names (facts/dataset.md section 4)."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from themis_common.errors import UserError

_NAME = re.compile(r"[^\s/]+/[^\s/]+")


def load_allowlists(entries: Iterable[str]) -> frozenset[str]:
    """The union of the names in all files; an entry is a file or a folder of `*.json` files.

    Raises:
        UserError: a file is missing or is no flat JSON array of names.
    """
    names: set[str] = set()
    for entry in entries:
        path = Path(entry).expanduser()
        files = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not files:
            raise UserError(f"allowlists: {path} holds no .json file")
        for file in files:
            names.update(_load(file))
    return frozenset(names)


def _load(file: Path) -> list[str]:
    try:
        content = json.loads(file.read_bytes())
    except OSError as error:
        raise UserError(f"allowlists: cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        raise UserError(f"allowlists: {file} is not JSON: {error}") from error
    if not isinstance(content, list):
        raise UserError(f"allowlists: {file} must be a JSON array of owner/project names")
    for item in content:
        if not isinstance(item, str) or not _NAME.fullmatch(item):
            raise UserError(f"allowlists: {file}: {item!r} is no owner/project name")
    return content
