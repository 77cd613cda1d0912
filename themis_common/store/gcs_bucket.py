"""One bucket: an authorised client, and single questions about its objects asked until they are answered."""

import functools
import os
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import google.auth
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud.storage import Client

from themis_common.errors import UserError
from themis_common.store.gcs_errors import Action, translated
from themis_common.store.retries import PassingFault, Retries

T = TypeVar("T")
EMULATOR = "STORAGE_EMULATOR_HOST"
"""The environment variable that Google's clients, too, look for an emulator's address in."""


class Connection:
    """A client for what it offers in public, and a session for the chunks of uploads, which it does not.

    Args:
        emulator: address of an emulator, which is talked to without credentials; None for Google Cloud.

    Raises:
        UserError: there are no credentials (says how to log in), or the address is none.
    """

    def __init__(self, emulator: str | None) -> None:
        if emulator and "://" not in emulator:
            raise UserError(f"{EMULATOR}={emulator} is no address; write it as http://HOST:PORT")
        with translated("read", ""):
            credentials = (
                AnonymousCredentials() if emulator else google.auth.default(scopes=Client.SCOPE)[0]  # type: ignore[no-untyped-call]
            )
        options = {"api_endpoint": emulator} if emulator else None
        self.client = Client(project=None, credentials=credentials, client_options=options)
        self.session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]


class Bucket:
    """The objects of one bucket.

    Every question is one that may be asked again, or carries a precondition that makes it so.
    """

    def __init__(self, name: str, connection: Connection, retries: Retries) -> None:
        self.name = name
        self.session = connection.session
        self.retries = retries
        self._client = connection.client
        self._bucket = connection.client.bucket(name)
        self._seen = False

    def call(self, action: Action, name: str, request: Callable[[], T]) -> T:
        """The result of `request`, repeated while faults pass, with errors as `Store` promises them.

        Raises:
            TransientError: faults did not pass.
            UserError: the credentials, their rights or the bucket are wrong.
        """

        def attempt() -> T:
            with translated(action, self.name):
                return request()

        return self.retries.call(f"cannot {action} {self.uri(name)}", attempt)

    def uri(self, name: str) -> str:
        """Where the object is."""
        return f"gs://{self.name}/{name}"

    def blob(self, name: str, generation: int | None = None) -> Any:
        """A handle on the object, or on one generation of it; asks nothing."""
        return self._bucket.blob(name, generation=generation)

    def look(self, name: str) -> Any | None:
        """The live object's handle with its properties, or None where there is none; asked once, inside a `call`."""
        blob = self.blob(name)
        try:
            blob.reload(retry=None, timeout=self.retries.attempt)
        except NotFound:
            self.look_for_bucket()
            return None
        return blob

    def find(self, name: str) -> Any | None:
        """The same, asked until it is answered."""
        return self.call("read", name, lambda: self.look(name))

    def generation(self, name: str) -> int:
        """The live object's generation, 0 where there is none."""
        blob = self.find(name)
        return 0 if blob is None else int(blob.generation)

    def look_for_bucket(self) -> None:
        """Raise NotFound where the bucket is missing: a missing object is answered with the same status.

        Listing is asked, because rights on objects do not include the right to read the bucket's own properties.
        """
        if not self._seen:
            self._page("", None, 1)
            self._seen = True

    def content(self, name: str) -> bytes | None:
        """The whole object, its checksum verified; None where there is none."""

        def request() -> bytes | None:
            try:
                data: bytes = self.blob(name).download_as_bytes(
                    raw_download=True,
                    single_shot_download=True,
                    checksum="crc32c",
                    retry=None,
                    timeout=self.retries.attempt,
                )
            except NotFound:
                self.look_for_bucket()
                return None
            return data

        return self.call("read", name, request)

    def part(self, name: str, generation: int, start: int, end: int) -> bytes | None:
        """Bytes `start` to `end` (excluded) of one generation; None where that is live no longer."""

        def request() -> bytes | None:
            try:
                data: bytes = self.blob(name, generation).download_as_bytes(
                    start=start,
                    end=end - 1,
                    raw_download=True,
                    single_shot_download=True,
                    checksum=None,
                    retry=None,
                    timeout=self.retries.attempt,
                )
            except NotFound:
                return None
            if len(data) != end - start:
                raise PassingFault(f"{len(data)} of {end - start} bytes arrived")
            return data

        return self.call("read", name, request)

    def remove(self, name: str, generation: int) -> bool:
        """Delete one generation; False where another one is live."""
        attempts = 0

        def request() -> bool:
            nonlocal attempts
            attempts += 1
            try:
                self.blob(name).delete(
                    if_generation_match=generation, retry=None, timeout=self.retries.attempt
                )
            except NotFound:
                return True
            except PreconditionFailed:
                # an earlier attempt may have removed it, and then what is there now came later
                return attempts > 1
            return True

        return self.call("delete", name, request)

    def names(self, prefix: str) -> Iterator[str]:
        """The names of all objects that start with `prefix`, sorted."""
        token = None
        while True:
            names, token = self.call("list", prefix, functools.partial(self._page, prefix, token, None))
            yield from names
            if not token:
                return

    def _page(self, prefix: str, token: str | None, size: int | None) -> tuple[list[str], str | None]:
        blobs = self._client.list_blobs(
            self._bucket,
            prefix=prefix,
            page_token=token,
            max_results=size,
            fields="items(name),nextPageToken",
            retry=None,
            timeout=self.retries.attempt,
        )
        names = [blob.name for blob in next(blobs.pages, ())]
        return names, blobs.next_page_token


@functools.cache
def shared_bucket(name: str, emulator: str | None, process: int) -> Bucket:
    """The bucket with the default policy.

    Connections and access tokens are worth keeping between stores, of which a stage opens many; connections do not
    survive a fork, hence `process`.
    """
    return Bucket(name, _shared_connection(emulator, process), Retries())


@functools.cache
def _shared_connection(emulator: str | None, process: int) -> Connection:
    return Connection(emulator)


def bucket_here(name: str) -> Bucket:
    """The bucket as this process's environment says: in Google Cloud, or in an emulator."""
    return shared_bucket(name, os.environ.get(EMULATOR), os.getpid())
