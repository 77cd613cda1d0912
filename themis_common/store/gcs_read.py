"""Reading one object as a seekable stream."""

import io
from typing import Any, BinaryIO

from themis_common.errors import TransientError
from themis_common.store.crc32c import Crc32c
from themis_common.store.gcs_bucket import Bucket

READ_AHEAD = 8 << 20
"""Bytes asked for at once: neighbouring column chunks of a parquet file come together, and the first byte's latency
(some 50 ms) is paid once in about 100 ms of transfer."""


def open_object(bucket: Bucket, blob: Any) -> BinaryIO:
    """A seekable stream over the generation that `blob` has.

    Raises, while reading:
        TransientError: the object was replaced or deleted meanwhile, or its content arrived damaged.
    """
    reader = _ObjectReader(bucket, blob)
    return io.BufferedReader(reader, buffer_size=max(1, min(READ_AHEAD, reader.size)))


class _ObjectReader(io.RawIOBase):
    """Ranged requests for one generation; each `readinto` is one of them.

    Google Cloud Storage knows the checksum of a whole object only. It is verified when the bytes have been read from
    the first to the last, as `verify_shard` does before any shard is used; what is read here and there is trusted to
    the transport.
    """

    def __init__(self, bucket: Bucket, blob: Any) -> None:
        super().__init__()
        self.size = int(blob.size)
        self._bucket = bucket
        self._name: str = blob.name
        self._generation = int(blob.generation)
        self._expected: str | None = blob.crc32c
        self._checksum = Crc32c()
        self._verified_to = 0
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if origin + offset < 0:
            raise ValueError(f"cannot seek to {origin + offset}")
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._next(len(view))
        view[: len(data)] = data
        return len(data)

    def readall(self) -> bytes:
        blocks = []
        while block := self._next(READ_AHEAD):
            blocks.append(block)
        return b"".join(blocks)

    def _next(self, limit: int) -> bytes:
        start, end = self._position, min(self._position + limit, self.size)
        if start >= end:
            return b""
        data = self._bucket.part(self._name, self._generation, start, end)
        if data is None:
            raise TransientError(
                f"{self._bucket.uri(self._name)} was replaced or deleted while it was read; run this again"
            )
        self._position = end
        self._verify(start, data)
        return data

    def _verify(self, start: int, data: bytes) -> None:
        end = start + len(data)
        if not start <= self._verified_to < end:
            return
        self._checksum.update(data[self._verified_to - start :])
        self._verified_to = end
        found = self._checksum.text()
        if end == self.size and found != self._expected:
            raise TransientError(
                f"{self._bucket.uri(self._name)} arrived damaged (crc32c {found}, stored {self._expected}); "
                "run this again"
            )
