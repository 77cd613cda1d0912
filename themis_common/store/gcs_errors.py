"""What Google's client raises, in our words: a fault that may pass, an error for the user, or an OSError."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Literal

import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.cloud.storage.exceptions import DataCorruption

from themis_common.errors import UserError
from themis_common.google_faults import BROKEN_CONNECTIONS, login_error, may_pass
from themis_common.store.retries import PassingFault

Action = Literal["read", "write", "list", "delete"]

_SERVICE = "the bucket"
_ROLES: dict[Action, str] = {
    "read": "roles/storage.objectViewer",
    "list": "roles/storage.objectViewer",
    "write": "roles/storage.objectUser",
    "delete": "roles/storage.objectUser",
}


@contextmanager
def translated(action: Action, bucket: str) -> Iterator[None]:
    """Turn what Google's client raises inside the block into what `Store` promises.

    A block handles the answers that mean something to it (an object that is not there, a precondition that does not
    hold) itself; a 404 that leaves it is about the bucket.

    Raises:
        PassingFault: another attempt may succeed.
        UserError: the credentials, their rights or the bucket are wrong.
        OSError: any other refusal.
    """
    try:
        yield
    except api.GoogleAPICallError as error:
        raise _refusal(error, action, bucket) from error
    except DataCorruption as error:
        raise PassingFault("the content arrived damaged (crc32c mismatch)") from error
    except (auth.DefaultCredentialsError, auth.RefreshError) as error:
        if error.retryable:
            raise PassingFault(str(error)) from error
        raise login_error(str(error), _SERVICE) from error
    except BROKEN_CONNECTIONS as error:
        raise PassingFault(f"{type(error).__name__}: {error}") from error


def refused(response: requests.Response) -> api.GoogleAPICallError:
    """The exception that Google's client would raise for an answer that we asked for ourselves."""
    error: api.GoogleAPICallError = api.from_http_response(response)  # type: ignore[no-untyped-call]
    return error


def is_damage(error: api.GoogleAPICallError) -> bool:
    """Whether the service refused content because it does not match the checksum that came with it."""
    return error.code == HTTPStatus.BAD_REQUEST and "crc32c" in error.message.lower()


def _refusal(error: api.GoogleAPICallError, action: Action, bucket: str) -> Exception:
    # for uploads and downloads the message holds the whole answer; reading the answer again gives its message alone
    _, _, said = refused(error.response).message.partition(": ")
    code = error.code or 0
    if may_pass(code):
        return PassingFault(f"{code} {said}", retry_after=_retry_after(error.response))
    if is_damage(error):
        return PassingFault(f"the content arrived damaged ({said})")
    if code == HTTPStatus.UNAUTHORIZED:
        return login_error(said, _SERVICE)
    if code == HTTPStatus.FORBIDDEN:
        return UserError(
            f"may not {action} in bucket {bucket} ({said}); grant these credentials {_ROLES[action]} on the bucket"
        )
    if code == HTTPStatus.NOT_FOUND:
        return UserError(
            f"bucket {bucket} does not exist ({said}); correct its name, or create it and grant these credentials "
            f"{_ROLES['write']} on it"
        )
    return OSError(errno.EIO, f"cannot {action} in bucket {bucket}: {code} {said}")


def _retry_after(response: requests.Response) -> float:
    asked = response.headers.get("Retry-After", "")
    return float(asked) if asked.isdigit() else 0.0
