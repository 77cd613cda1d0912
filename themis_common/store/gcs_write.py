"""Writing one object so that a repeated request does no harm.

Each request carries the generation that it expects to replace. Each write carries a token of its own in the object's
metadata, by which a write whose answer was lost is known again.
"""

import io
import uuid
from typing import Any

from google.api_core.exceptions import PreconditionFailed

from themis_common.errors import TransientError
from themis_common.store.base import AlreadyExistsError
from themis_common.store.gcs_bucket import Bucket
from themis_common.store.gcs_upload import CONTENT_TYPE, ResumableUpload

CHUNK = 16 << 20
"""Bytes of one request of a long upload, and the most that a writer holds: a multiple of 256 KiB."""
SINGLE_REQUEST = 8 << 20
"""Files up to this are uploaded in one request (the largest that Google's client sends as one)."""
_TOKEN = "themis-write"  # noqa: S105 (the name of a metadata entry)


class ObjectWriter(io.RawIOBase):
    """A stream whose bytes become the object on `commit`, and nothing on `abandon` or when it is dropped."""

    def __init__(self, bucket: Bucket, name: str, *, exclusive: bool) -> None:
        super().__init__()
        self._write = _Write(bucket, name, exclusive=exclusive)
        self._pending = bytearray()
        self._written = 0
        self._upload: ResumableUpload | None = None

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        rest = view
        while rest:
            if len(self._pending) == CHUNK:
                self._opened().send(self._take())
            taken = rest[: CHUNK - len(self._pending)]
            self._pending += taken
            rest = rest[len(taken) :]
        self._written += len(view)
        return len(view)

    def commit(self) -> None:
        """Make the object appear.

        Raises:
            AlreadyExistsError: the writer is exclusive and the object exists.
            TransientError: the service could not be reached; or another writer replaced the object while this one's
                bytes, which are no longer here, were on their way.
        """
        if self._written <= SINGLE_REQUEST:
            self._write.put(self._take())
        else:
            self._opened().finish(self._take())

    def abandon(self) -> None:
        """Forget what was written."""
        self._take()
        if self._upload is not None:
            self._upload.cancel()

    def _opened(self) -> ResumableUpload:
        if self._upload is None:
            self._upload = self._write.open_upload()
        return self._upload

    def _take(self) -> bytes:
        taken = bytes(self._pending)
        self._pending.clear()
        return taken


class _Write:
    """One write: what it expects to find, and what a refusal means."""

    def __init__(self, bucket: Bucket, name: str, *, exclusive: bool) -> None:
        self._bucket = bucket
        self._name = name
        self._exclusive = exclusive
        self._token = uuid.uuid4().hex

    def put(self, data: bytes) -> None:
        """Write the whole object in one request; of several such writers the last one wins."""
        while not self._put_over(self._expected(), data):
            pass

    def open_upload(self) -> ResumableUpload:
        """Open a session that will replace what is there now."""
        while True:
            address = self._address(self._expected())
            if address is not None:
                return ResumableUpload(self._bucket, self._name, address, self.overtaken)

    def overtaken(self) -> Exception:
        """What to raise when another writer was there first."""
        uri = self._bucket.uri(self._name)
        if self._exclusive:
            return AlreadyExistsError(f"{uri} exists already")
        return TransientError(f"{uri} was replaced by another writer during a long upload; run this again")

    def _expected(self) -> int:
        return 0 if self._exclusive else self._bucket.generation(self._name)

    def _blob(self) -> Any:
        blob = self._bucket.blob(self._name)
        blob.metadata = {_TOKEN: self._token}
        return blob

    def _put_over(self, generation: int, data: bytes) -> bool:
        """One write over one generation; False where another generation is live that this write should follow."""
        attempts = 0

        def request() -> bool:
            nonlocal attempts
            attempts += 1
            try:
                self._blob().upload_from_string(
                    data,
                    content_type=CONTENT_TYPE,
                    if_generation_match=generation,
                    checksum="crc32c",
                    retry=None,
                    timeout=self._bucket.retries.attempt,
                )
            except PreconditionFailed as error:
                found = self._bucket.look(self._name)
                if found is not None and (found.metadata or {}).get(_TOKEN) == self._token:
                    return True
                if self._exclusive:
                    raise self.overtaken() from error
                # an earlier attempt may have succeeded, and then what is there now came later and stays
                return attempts > 1
            return True

        return self._bucket.call("write", self._name, request)

    def _address(self, generation: int) -> str | None:
        """The address of a new session over one generation; None where another generation is live."""

        def request() -> str | None:
            try:
                address: str = self._blob().create_resumable_upload_session(
                    content_type=CONTENT_TYPE,
                    if_generation_match=generation,
                    retry=None,
                    timeout=self._bucket.retries.attempt,
                )
            except PreconditionFailed as error:
                if self._exclusive:
                    raise self.overtaken() from error
                return None
            return address

        return self._bucket.call("write", self._name, request)
