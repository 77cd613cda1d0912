"""What a checkpoint shows before any weight is read: its configuration, and name and shape of every tensor.

Only config.json and the headers of the safetensors files are read, a few hundred kilobytes whatever the model's size
and wherever it lies.
"""

import json
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from themis_common.architectures.heads import Shape
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError

_CONFIG = "config.json"
_SAFETENSORS = ".safetensors"
_SHARD = re.compile(r"(.+)-\d+-of-(\d+)\.safetensors")
_MAX_HEADER = 100 << 20
"""Bytes; the safetensors format allows no longer header."""

Open = Callable[[str], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model as its files describe it.

    Attributes:
        where: what to call it in messages.
        config: content of config.json.
        shapes: of every tensor by its published name.
        files: names of all files.
    """

    where: str
    config: dict[str, Any]
    shapes: dict[str, Shape]
    files: frozenset[str]


def checkpoint_in_folder(folder: Path) -> Checkpoint:
    """The checkpoint in a local folder.

    Raises:
        UserError: there is no config.json, or a file is damaged or missing.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder with a model")
    names = [path.name for path in folder.iterdir() if path.is_file()]
    return _read(str(folder), names, lambda name: (folder / name).open("rb"))


def checkpoint_in_dataset(model: DatasetReader) -> Checkpoint:
    """The checkpoint in a MODEL_FILES dataset, wherever that lies.

    Raises:
        UserError: there is no config.json, or a file is damaged or missing.
    """
    names = [row["path"] for row in model.rows()]
    try:
        return _read(model.uri, names, model.open_file)
    except FileNotFoundError as error:
        raise UserError(
            f"{model.uri}: a file is missing ({error}): delete the dataset and import it again"
        ) from error


def read_config(folder: Path) -> dict[str, Any]:
    """The content of a local folder's config.json.

    Raises:
        UserError: there is none, or it is damaged.
    """
    path = folder / _CONFIG
    if not path.is_file():
        raise UserError(f"{folder} holds no {_CONFIG}: it is no model folder")
    return _parsed(path.read_bytes(), str(path))


def _read(where: str, names: Iterable[str], open_file: Open) -> Checkpoint:
    files = frozenset(names)
    if _CONFIG not in files:
        raise UserError(f"{where} holds no {_CONFIG}: it is no model folder")
    with open_file(_CONFIG) as file:
        config = _parsed(file.read(), f"{where}/{_CONFIG}")
    if not any(name.endswith(_SAFETENSORS) for name in files):
        raise UserError(
            f"{where} holds no {_SAFETENSORS} file; pickled weights are converted by `themis stage "
            "evaluation.import_model`"
        )
    _check_shards(files, where)
    shapes: dict[str, Shape] = {}
    for name in sorted(files):
        if name.endswith(_SAFETENSORS):
            with open_file(name) as file:
                shapes.update(_header(file, f"{where}/{name}"))
    return Checkpoint(where, config, shapes, files)


def _check_shards(files: Iterable[str], where: str) -> None:
    shards = Counter(match.groups() for name in files if (match := _SHARD.fullmatch(name)))
    for (stem, total), count in sorted(shards.items()):
        if count < int(total):
            raise UserError(
                f"{where} holds {count} of the {int(total)} files {stem}-*-of-{total}{_SAFETENSORS}: copy the others "
                "there too"
            )


def _header(file: BinaryIO, where: str) -> dict[str, Shape]:
    """Shapes in a safetensors file: 8 bytes little-endian length, then that many bytes of JSON."""
    start = file.read(8)
    length = struct.unpack("<Q", start)[0] if len(start) == 8 else _MAX_HEADER
    if length >= _MAX_HEADER:
        raise UserError(f"{where} is no safetensors file: copy it again")
    entries = _parsed(file.read(length), where)
    entries.pop("__metadata__", None)
    try:
        return {name: tuple(int(size) for size in entry["shape"]) for name, entry in entries.items()}
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(f"{where} is damaged (a tensor has no shape): copy it again") from error


def _parsed(content: bytes, where: str) -> dict[str, Any]:
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is damaged ({error}): copy it again") from error
    if not isinstance(parsed, dict):
        raise UserError(f"{where} is damaged (it holds no JSON object): copy it again")
    return parsed
