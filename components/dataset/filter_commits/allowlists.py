"""Repository allowlists: JSON files, each a flat array of `owner/project` names (facts/dataset.md section 4)."""

import functools
import json
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from themis_common.datasets.manifest import MANIFEST
from themis_common.datasets.reader import FILES
from themis_common.errors import UserError
from themis_common.store import Store, open_store

_NAME = r"^[^\s/]+/[^\s/]+$"
_SUFFIX = ".json"


def load_allowlists(entries: Iterable[str]) -> pa.StringArray:
    """The union of the names in all files, sorted, each once.

    Args:
        entries: locations; each a file, a folder of `*.json` files, or an output of `dataset.build_allowlists`.

    Raises:
        UserError: a file is missing or is no flat JSON array of names.
    """
    return _union(tuple(file for entry in entries for file in _files(entry)))


def _files(entry: str) -> Iterator[tuple[str, bytes]]:
    """Location and content of every file that `entry` stands for."""
    if entry.endswith(_SUFFIX):
        folder, _, name = entry.rpartition("/")
        yield _read(open_store(folder or "."), name)
        return
    store = open_store(entry)
    prefix = f"{FILES}/" if store.exists(MANIFEST) else ""
    names = [
        name for name in store.list(prefix) if name.endswith(_SUFFIX) and "/" not in name.removeprefix(prefix)
    ]
    if not names:
        raise UserError(f"allowlists: {entry} holds no {_SUFFIX} file")
    for name in names:
        yield _read(store, name)


def _read(store: Store, name: str) -> tuple[str, bytes]:
    where = f"{store.uri}/{name}"
    try:
        return where, store.read_bytes(name)
    except OSError as error:
        raise UserError(
            f"allowlists: cannot read {where}: {error.strerror or 'there is no such file'}"
        ) from error


# One worker filters many shards by the same lists.
@functools.lru_cache(maxsize=1)
def _union(files: tuple[tuple[str, bytes], ...]) -> pa.StringArray:
    names = pa.chunked_array([_parse(where, content) for where, content in files], pa.string()).unique()
    return names.take(pc.array_sort_indices(names))


def _parse(where: str, content: bytes) -> pa.StringArray:
    try:
        document = json.loads(content)
    except ValueError as error:
        raise UserError(f"allowlists: {where} is not JSON: {error}") from error
    if not isinstance(document, list):
        raise UserError(f"allowlists: {where} must be a JSON array of owner/project names")
    for item in document:
        if not isinstance(item, str):
            raise UserError(f"allowlists: {where}: {item!r} is no owner/project name")
    names = pa.array(document, pa.string())
    wrong = names.filter(pc.invert(pc.match_substring_regex(names, _NAME)))
    if wrong:
        raise UserError(f"allowlists: {where}: {wrong[0].as_py()!r} is no owner/project name")
    return names
