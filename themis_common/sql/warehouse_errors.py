"""What BigQuery's client raises, in our words, and which of it passes by itself.

The client repeats a request while the policy below says so; what is left then is for the user, or did not pass.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import requests
from google.api_core import exceptions as api
from google.api_core.retry import Retry
from google.auth import exceptions as auth

from themis_common.errors import TransientError, UserError
from themis_common.google_faults import BROKEN_CONNECTIONS, login_error, may_pass

PASSING_REASONS = frozenset({"backendError", "badGateway", "internalError", "rateLimitExceeded"})
"""Reasons that BigQuery gives for refusals, and for failures of jobs, that another attempt may not meet."""

_SERVICE = "BigQuery"
_ROLES = (
    "grant these credentials roles/bigquery.jobUser on the project that pays, roles/bigquery.dataEditor on the "
    "destination and roles/bigquery.dataViewer on the tables"
)


def passes(error: Exception) -> bool:
    """Whether another attempt may succeed."""
    if isinstance(error, requests.exceptions.SSLError):
        return False
    if isinstance(error, api.GoogleAPICallError):
        return may_pass(error.code or 0) or _reason(error) in PASSING_REASONS
    return isinstance(error, BROKEN_CONNECTIONS)


def policy(first_delay: float = 1.0, deadline: float = 600.0) -> Retry:
    """Truncated exponential back-off with jitter.

    Args:
        first_delay: upper bound in seconds of the first pause; doubles up to half a minute.
        deadline: seconds after the first attempt in which further ones may start.
    """
    return Retry(predicate=passes, initial=first_delay, maximum=max(30.0, first_delay), timeout=deadline)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn what the client raises inside the block into one line.

    A block handles the answers that mean something to it (a job that is there already) itself.

    Args:
        what: what the block does, e.g. "run the query in project acme"; follows "cannot".

    Raises:
        TransientError: a fault did not pass.
        UserError: the credentials, their rights, a name or the query is wrong.
    """
    try:
        yield
    except api.RetryError as error:
        raise TransientError(f"cannot {what}: {_said(error.cause or error)}; gave up retrying") from error
    except api.GoogleAPICallError as error:
        raise _refusal(error, what) from error
    except (auth.DefaultCredentialsError, auth.RefreshError) as error:
        raise login_error(str(error), _SERVICE) from error
    except BROKEN_CONNECTIONS as error:
        raise TransientError(f"cannot {what}: {_said(error)}") from error


def _refusal(error: api.GoogleAPICallError, what: str) -> Exception:
    said = _said(error)
    if passes(error):
        return TransientError(f"cannot {what}: {said}")
    if error.code == HTTPStatus.UNAUTHORIZED:
        return login_error(said, _SERVICE)
    if error.code == HTTPStatus.FORBIDDEN:
        advice = _ROLES if _reason(error) == "accessDenied" else "look at the project's quotas and billing"
        return UserError(f"may not {what} ({said}); {advice}")
    if error.code == HTTPStatus.NOT_FOUND:
        return UserError(
            f"cannot {what} ({said}); correct the project, the dataset or the location, or create it"
        )
    return UserError(f"cannot {what}: BigQuery refused it ({said})")


def _reason(error: api.GoogleAPICallError) -> str:
    details = error.errors[0] if error.errors else {}
    return str(details.get("reason", "")) if isinstance(details, dict) else ""


def _said(error: BaseException) -> str:
    """The message alone, without the address that was asked and the request."""
    response = getattr(error, "response", None)
    if response is not None:
        try:
            return f"{response.status_code} {response.json()['error']['message']}"
        except (KeyError, TypeError, json.JSONDecodeError):
            return f"{response.status_code} {response.reason}"
    return f"{type(error).__name__}: {error}"
