"""The manifest of a dataset: the deterministic facts, written last.

What varies between runs (seconds, host, library versions) goes to `_run.json` beside it and is never hashed.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from themis_common.errors import UserError
from themis_common.hashing import canonical_json
from themis_common.store import Store

MANIFEST = "manifest.json"
RUN_FACTS = "_run.json"
DATA = "data"
"""The main table; other tables of a dataset (rejected, lineage, what a stage declares) are side tables."""


@dataclass(frozen=True, kw_only=True)
class Shard:
    """One parquet file: its name inside the dataset, its rows, its bytes and their SHA-256."""

    name: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of a dataset: its schema, its shards, and the digest of its rows however they are sharded."""

    schema: str
    schema_version: int
    content_digest: str
    shards: tuple[Shard, ...] = ()

    @property
    def rows(self) -> int:
        """Rows in all shards."""
        return sum(shard.rows for shard in self.shards)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """The funnel of a stage. `keys_in = emitted + sum(dropped)` counts input keys, `rows_out` output rows."""

    keys_in: int = 0
    emitted: int = 0
    rows_out: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.keys_in == self.emitted + sum(self.dropped.values()), (
            f"{self.keys_in} keys in, but {self.emitted} emitted and {dict(self.dropped)} dropped"
        )

    def __add__(self, other: "Counts") -> "Counts":
        reasons = sorted({*self.dropped, *other.dropped})
        return Counts(
            keys_in=self.keys_in + other.keys_in,
            emitted=self.emitted + other.emitted,
            rows_out=self.rows_out + other.rows_out,
            dropped={
                reason: self.dropped.get(reason, 0) + other.dropped.get(reason, 0) for reason in reasons
            },
        )


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a finished dataset says of itself."""

    stage: str
    stage_version: int
    config: Mapping[str, Any]
    config_hash: str
    inputs: Mapping[str, str]
    counts: Counts
    tables: Mapping[str, Table]

    @property
    def content_digest(self) -> str:
        """The digest of the main table."""
        return self.tables[DATA].content_digest

    @property
    def rows(self) -> int:
        """Rows of the main table."""
        return self.tables[DATA].rows

    @property
    def num_bytes(self) -> int:
        """Bytes of all shards of all tables."""
        return sum(shard.bytes for table in self.tables.values() for shard in table.shards)

    def to_json(self) -> bytes:
        """The file's content."""
        document = {**dataclasses.asdict(self), "content_digest": self.content_digest}
        return (json.dumps(json.loads(canonical_json(document)), indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes, *, where: str) -> "Manifest":
        """Read a manifest back.

        Raises:
            UserError: the file is no manifest.
        """
        try:
            document = json.loads(data)
            tables = {
                name: Table(
                    schema=table["schema"],
                    schema_version=table["schema_version"],
                    content_digest=table["content_digest"],
                    shards=tuple(Shard(**shard) for shard in table["shards"]),
                )
                for name, table in document["tables"].items()
            }
            return cls(
                stage=document["stage"],
                stage_version=document["stage_version"],
                config=document["config"],
                config_hash=document["config_hash"],
                inputs=document["inputs"],
                counts=Counts(**document["counts"]),
                tables=tables,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{where} is no dataset manifest ({error!r}); delete the folder and run the stage again"
            ) from error


def read_manifest(store: Store) -> Manifest | None:
    """The manifest of the dataset in `store`, or None where the dataset is unfinished or absent.

    Raises:
        UserError: the manifest cannot be read as one.
    """
    if not store.exists(MANIFEST):
        return None
    return Manifest.from_json(store.read_bytes(MANIFEST), where=f"{store.uri}/{MANIFEST}")


def finished_manifest(store: Store, uri: str) -> Manifest:
    """The manifest of the dataset in `store`, which was named as `uri`.

    Raises:
        UserError: there is no finished dataset, or the manifest cannot be read as one.
    """
    manifest = read_manifest(store)
    if manifest is None:
        raise UserError(f"{uri} is no finished dataset (no {MANIFEST}); run the stage that writes it first")
    return manifest
