"""The store on Google Cloud Storage: a folder is a prefix, a file is one object, a write is one generation."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from themis_common.errors import UserError
from themis_common.store.base import Store, checked_name
from themis_common.store.gcs_bucket import Bucket, bucket_here
from themis_common.store.gcs_read import open_object
from themis_common.store.gcs_write import ObjectWriter

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


class GcsStore(Store):
    """The objects of `bucket` below `prefix` (no slash at its ends; empty for the whole bucket).

    Small files (8 MiB): the last writer wins. A longer one that is replaced by another writer while it is being
    uploaded is not published, and its writer gets a TransientError. Streams for writing cannot be sought.
    """

    def __init__(self, bucket: Bucket, prefix: str = "") -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self.uri = f"gs://{bucket.name}/{prefix}".rstrip("/")

    def child(self, name: str) -> "GcsStore":
        return GcsStore(self._bucket, self._object(name))

    def read_bytes(self, name: str) -> bytes:
        data = self._bucket.content(self._object(name))
        if data is None:
            raise self._missing(name)
        return data

    def open_read(self, name: str) -> BinaryIO:
        blob = self._bucket.find(self._object(name))
        if blob is None:
            raise self._missing(name)
        return open_object(self._bucket, blob)

    @contextmanager
    def open_write(self, name: str, *, exclusive: bool = False) -> Iterator[BinaryIO]:
        writer = ObjectWriter(self._bucket, self._object(name), exclusive=exclusive)
        try:
            yield cast(BinaryIO, writer)
            writer.commit()
        except BaseException:
            writer.abandon()
            raise

    def exists(self, name: str) -> bool:
        return self._bucket.find(self._object(name)) is not None

    def size(self, name: str) -> int:
        blob = self._bucket.find(self._object(name))
        if blob is None:
            raise self._missing(name)
        return int(blob.size)

    def list(self, prefix: str = "") -> Iterator[str]:
        for name in self._bucket.names(self._prefix + prefix):
            # other tools mark an empty folder by an object whose name ends like that
            if not name.endswith("/"):
                yield name.removeprefix(self._prefix)

    def delete(self, name: str) -> None:
        target = self._object(name)
        while generation := self._bucket.generation(target):
            if self._bucket.remove(target, generation):
                return

    def _object(self, name: str) -> str:
        return self._prefix + checked_name(name)

    def _missing(self, name: str) -> FileNotFoundError:
        return FileNotFoundError(f"{self.uri}/{name} does not exist")


def open_bucket(location: str) -> GcsStore:
    """The store at `location`: a bucket's name and, after a slash, a prefix.

    Raises:
        UserError: this is no bucket's name, or there are no credentials.
    """
    bucket, _, prefix = location.partition("/")
    prefix = prefix.rstrip("/")
    if not _BUCKET.fullmatch(bucket):
        raise UserError(
            f"gs://{location}: {bucket!r} is no bucket name (lower-case letters, digits, '-', '_', '.'); "
            "write gs://BUCKET/FOLDER"
        )
    return GcsStore(bucket_here(bucket), checked_name(prefix) if prefix else "")
