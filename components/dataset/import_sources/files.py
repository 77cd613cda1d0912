"""Reading rows out of parquet and JSONL files, with the place of each row for error messages."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from themis_common.datasets.parquet_file import numbered_rows, open_parquet
from themis_common.errors import UserError
from themis_common.hashing import stream_digest
from themis_common.store import Store, open_store

SUFFIXES = (".parquet", ".jsonl")


@dataclass(frozen=True)
class SourceFile:
    """A file of preference pairs; `name` is its path inside the folder that was given."""

    store: Store
    name: str

    @property
    def location(self) -> str:
        """What error messages call the file."""
        return f"{self.store.uri}/{self.name}"

    @property
    def title(self) -> str:
        """The name of the source where rows do not name theirs: the file name without its suffix."""
        return self.name.rpartition("/")[2].rpartition(".")[0]

    def sha256(self) -> str:
        """64 hex characters over the bytes of the file."""
        with self.store.open_read(self.name) as stream:
            return stream_digest(stream)

    def rows(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The rows with their numbers, counted from 1 (in JSONL the line number).

        Raises:
            UserError: the file is not what its suffix says; names the place.
        """
        return self._parquet_rows() if self.name.endswith(".parquet") else self._json_rows()

    def _parquet_rows(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        remedy = "convert it or copy it again"
        with open_parquet(self.store, self.name, remedy=remedy) as parquet:
            yield from numbered_rows(parquet, where=self.location, remedy=remedy)

    def _json_rows(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        with self.store.open_read(self.name) as stream:
            for number, line in enumerate(stream, start=1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError as error:
                    raise UserError(
                        f"{self.location}: row {number} is no JSON ({error}): mend that line"
                    ) from error
                if not isinstance(row, dict):
                    raise UserError(
                        f"{self.location}: row {number} is a JSON {type(row).__name__}; write each pair as an object"
                    )
                yield number, row


def source_files(path: str) -> list[SourceFile]:
    """The files at a location, in name order; none for the empty location.

    Raises:
        UserError: there is nothing to import.
    """
    location = path.rstrip("/")
    if not location:
        return []
    if location.endswith(SUFFIXES):
        folder, _, name = location.rpartition("/")
        store = open_store(folder or ("/" if location.startswith("/") else "."))
        if not store.exists(name):
            raise UserError(f"{location}: no such file; give a .parquet or .jsonl file, or a folder of them")
        return [SourceFile(store, name)]
    store = open_store(location)
    files = [SourceFile(store, name) for name in store.list() if name.endswith(SUFFIXES)]
    if not files:
        raise UserError(f"{location} holds no .parquet or .jsonl file; give a file or a folder of them")
    return files
