"""A resumable upload: the chunks of one object whose size is known at the end.

Google's `BlobWriter` (google-cloud-storage 3.17.1) speaks the same protocol, and is not used: a writer that was
dropped publishes what it has when it is garbage collected; a failed one cancels at the address where sessions are
opened instead of its own, and hides the failure behind that of the cancelling; none can go on when the service kept
only a part of a chunk.
"""

import re
from collections.abc import Callable
from typing import Any

import requests
from google.auth.exceptions import GoogleAuthError

from themis_common.errors import TransientError
from themis_common.store.crc32c import Crc32c
from themis_common.store.gcs_bucket import Bucket
from themis_common.store.gcs_errors import is_damage, refused
from themis_common.store.retries import PassingFault

CONTENT_TYPE = "application/octet-stream"
_RESUME_INCOMPLETE = 308
_PRECONDITION_FAILED = 412
_SESSION_IS_GONE = (404, 410)


class ResumableUpload:
    """An open session; bytes that the service has confirmed are forgotten here.

    Args:
        address: where the session was opened.
        overtaken: what to raise when the object has another generation than the session was opened for.
    """

    def __init__(self, bucket: Bucket, name: str, address: str, overtaken: Callable[[], Exception]) -> None:
        self._bucket = bucket
        self._name = name
        self._address = address
        self._overtaken = overtaken
        self._confirmed = 0
        self._checksum = Crc32c()

    def send(self, chunk: bytes) -> None:
        """Upload a chunk that more will follow; its length is a multiple of 256 KiB.

        Raises:
            TransientError: the service could not be reached, or has lost the session.
        """
        self._checksum.update(chunk)
        end = self._confirmed + len(chunk)
        while self._confirmed < end:
            self._transfer(memoryview(chunk), end, None)

    def finish(self, chunk: bytes) -> None:
        """Upload what is left, upon which the object appears.

        Raises:
            TransientError: as for `send`, or the content arrived damaged.
            Exception: `overtaken()`; the object was left as it is.
        """
        self._checksum.update(chunk)
        total = self._confirmed + len(chunk)
        resource = None
        while resource is None:
            resource = self._transfer(memoryview(chunk), total, total)
        if resource["crc32c"] != self._checksum.text():
            self._bucket.remove(self._name, int(resource["generation"]))
            raise self._damaged()

    def cancel(self) -> None:
        """End the session, so that nothing is kept of it. Where that fails the service forgets it in a week."""
        try:
            self._bucket.session.delete(self._address, timeout=self._bucket.retries.attempt)
        except (requests.RequestException, GoogleAuthError):
            return

    def _transfer(self, chunk: memoryview, end: int, total: int | None) -> dict[str, Any] | None:
        """Send what the service lacks of the chunk that ends at `end`; the object's resource once it is complete.

        Returns with less confirmed than sent where the service kept only a part.
        """
        interrupted = False

        def request() -> dict[str, Any] | None:
            nonlocal interrupted
            if interrupted:
                resource = self._put(b"", total)
                if resource is not None or self._confirmed == end:
                    return resource
            interrupted = True
            start = end - len(chunk)
            if self._confirmed < start:
                raise TransientError(
                    f"the upload of {self._bucket.uri(self._name)} lost bytes that were kept; run this again"
                )
            before = self._confirmed
            resource = self._put(chunk[before - start :], total)
            if resource is None and self._confirmed == before:
                raise PassingFault("nothing was kept of a chunk")
            return resource

        return self._bucket.call("write", self._name, request)

    def _put(self, data: bytes | memoryview, total: int | None) -> dict[str, Any] | None:
        """One request. Without data it asks how far the upload is, or completes it where all bytes are there."""
        size = "*" if total is None else str(total)
        span = f"{self._confirmed}-{self._confirmed + len(data) - 1}" if len(data) else "*"
        headers = {"Content-Type": CONTENT_TYPE, "Content-Range": f"bytes {span}/{size}"}
        if total is not None:
            headers["X-Goog-Hash"] = f"crc32c={self._checksum.text()}"
        response = self._bucket.session.put(
            self._address,
            data=data,
            headers=headers,
            timeout=self._bucket.retries.attempt,
            allow_redirects=False,
        )
        if response.status_code == _RESUME_INCOMPLETE:
            kept = re.fullmatch(r"bytes=0-(\d+)", response.headers.get("Range", ""))
            self._confirmed = int(kept[1]) + 1 if kept else 0
            return None
        if response.ok:
            resource: dict[str, Any] = response.json()
            return resource
        if response.status_code == _PRECONDITION_FAILED:
            raise self._overtaken()
        if response.status_code in _SESSION_IS_GONE:
            raise TransientError(
                f"the upload of {self._bucket.uri(self._name)} was ended by the service "
                f"({response.status_code}); run this again"
            )
        error = refused(response)
        if is_damage(error):
            raise self._damaged() from error
        raise error

    def _damaged(self) -> TransientError:
        # resending what is left here would not mend what was sent before
        return TransientError(
            f"the upload of {self._bucket.uri(self._name)} arrived damaged and was discarded; run this again"
        )
