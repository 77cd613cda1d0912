"""What Google's client libraries have in common: which of their faults may pass, and what to do about a login."""

from http import HTTPStatus
from typing import Final

import requests
from google.auth import exceptions as auth
from urllib3.exceptions import HTTPError

from themis_common.errors import UserError

BROKEN_CONNECTIONS: Final[tuple[type[Exception], ...]] = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    HTTPError,
    ConnectionError,
    TimeoutError,
    auth.TransportError,
    auth.TimeoutError,
)
"""What is raised where no answer came, or only part of one."""


def may_pass(status: int) -> bool:
    """Whether another attempt may be answered otherwise than with this HTTP status."""
    return (
        status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )


def login_error(said: str, what: str) -> UserError:
    """The error where nobody is logged in, or not well enough to use `what`, e.g. "BigQuery"."""
    return UserError(
        f"Google Cloud credentials are missing or refused ({said}); run `gcloud auth application-default login`, or on "
        f"a cluster bind the pod's service account to one that may use {what} (workload identity)"
    )
