"""One request to the GitHub API: its rate limits, its failures, and what they mean.

The token is read from the environment when the client is made. It goes into one header and nowhere else.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Literal

import httpx

import themis_common
from themis_common.errors import UserError
from themis_common.store.retries import PassingFault, Retries

Resource = Literal["graphql", "core"]
"""The two budgets of requests that GitHub keeps."""

_SECONDARY_LIMIT_SECONDS = 60.0
"""What GitHub wants waited after a secondary limit that names no time."""
_LONGEST_WAIT_SECONDS = 3700.0
"""Budgets are renewed every hour; a header that says more is not believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time, for tests to replace.

    Attributes:
        now: Unix seconds, to compare with the time that GitHub names.
        sleep: waits for so many seconds.
    """

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class _Gate:
    """Holds all requests of one resource back until a time."""

    clock: Clock
    say: Callable[[str], None]
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hold(self, seconds: float) -> None:
        seconds = min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS)
        with self._lock:
            until = self.clock.now() + seconds
            if until > self._until:
                self._until = until
                self.say(f"GitHub's rate limit: going on in {seconds:.0f} s")

    def wait(self) -> None:
        while (wait := self._until - self.clock.now()) > 0:
            self.clock.sleep(wait)


class GitHubClient:
    """Requests under rate limits; may be used by several threads.

    Args:
        api_url: the REST API.
        token: what to authorise with.
        say: told when a rate limit stops everything.
    """

    def __init__(
        self, api_url: str, token: str, *, say: Callable[[str], None], clock: Clock, retries: Retries
    ) -> None:
        self._rest = api_url.rstrip("/")
        self._retries = retries
        self._clock = clock
        self._gates = {name: _Gate(clock, say) for name in ("core", "graphql")}
        self._http = httpx.Client(
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": f"themis/{themis_common.__version__}",
            },
            timeout=retries.attempt,
            # a repository that was renamed; the token does not follow to another host
            follow_redirects=True,
        )

    def close(self) -> None:
        """Give up the connections."""
        self._http.close()

    def get_list(self, path: str, parameters: Mapping[str, str | int]) -> httpx.Response:
        """The answer of the REST API: a list, or a refusal other than for a limit.

        Raises:
            UserError: the token is refused.
            TransientError: GitHub did not answer in any attempt.
        """

        def attempt() -> httpx.Response:
            response = self._http.get(f"{self._rest}{path}", params=parameters)
            if response.status_code == HTTPStatus.OK and not isinstance(_json(response), list):
                raise PassingFault("an answer that is no list")
            return response

        return self._send("core", attempt)

    def query(self, query: str, variables: Mapping[str, Any], fields: Collection[str]) -> dict[str, Any]:
        """The document that a GraphQL query comes to.

        Its `data` has all of `fields`, of which single ones may be null for a reason that its `errors` tell.

        Raises:
            UserError: the token or the query is refused.
            TransientError: GitHub did not answer in any attempt.
        """
        # GitHub Enterprise has .../api/v3 and .../api/graphql
        url = f"{self._rest.removesuffix('/v3')}/graphql"
        body = {"query": query, "variables": dict(variables)}

        def attempt() -> httpx.Response:
            response = self._http.post(url, json=body)
            if response.is_success and not _is_limited(response):
                document = _document(response)
                if not set(fields) <= set(document.get("data") or ()):
                    raise PassingFault(f"the query failed: {str(document.get('errors'))[:200]}")
            return response

        response = self._send("graphql", attempt)
        if not response.is_success:
            raise UserError(f"{url} refuses the query ({response.status_code}); check api_url")
        return _document(response)

    def _send(self, resource: Resource, attempt: Callable[[], httpx.Response]) -> httpx.Response:
        gate = self._gates[resource]

        def request() -> httpx.Response:
            while True:
                gate.wait()
                response = self._once(attempt)
                wait = _asked_wait(response, self._clock.now())
                if wait is not None:
                    gate.hold(wait)
                if not _is_limited(response):
                    return response
                if wait is None:
                    gate.hold(_SECONDARY_LIMIT_SECONDS)

        return self._retries.call(f"GitHub at {self._rest}", request)

    def _once(self, attempt: Callable[[], httpx.Response]) -> httpx.Response:
        try:
            response = attempt()
        except httpx.InvalidURL as error:
            raise UserError(f"api_url {self._rest} is no address: {error}") from error
        except httpx.HTTPError as error:
            raise PassingFault(f"{type(error).__name__}: {error}") from error
        if response.status_code == 401:
            raise UserError(
                f"{self._rest} refuses the token (401): check the environment variable that token_env names"
            )
        if response.status_code >= 500:
            raise PassingFault(f"status {response.status_code}", _retry_after(response) or 0.0)
        return response


def _asked_wait(response: httpx.Response, now: float) -> float | None:
    """Seconds until the next request may be made; None where the answer asks for no pause."""
    after = _retry_after(response) if _is_limited(response) else None
    if after is not None:
        return after
    if response.headers.get("x-ratelimit-remaining") == "0":
        reset = response.headers.get("x-ratelimit-reset", "")
        # a second more, because both clocks are cut to whole seconds
        return float(reset) - now + 1 if reset.isdecimal() else None
    return None


def _is_limited(response: httpx.Response) -> bool:
    """Whether a limit kept GitHub from answering."""
    if response.status_code == 429:
        return True
    if response.status_code == 403:
        return (
            "retry-after" in response.headers
            or response.headers.get("x-ratelimit-remaining") == "0"
            or "rate limit" in response.text.lower()
        )
    if response.is_success and response.request.method == "POST":
        errors = _document(response).get("errors")
        return isinstance(errors, list) and any(
            isinstance(error, dict) and error.get("type") == "RATE_LIMITED" for error in errors
        )
    return False


def _retry_after(response: httpx.Response) -> float | None:
    asked = response.headers.get("retry-after", "").strip()
    if asked.isdecimal():
        return float(asked)
    try:
        return (
            parsedate_to_datetime(asked) - parsedate_to_datetime(response.headers.get("date", ""))
        ).total_seconds()
    except (TypeError, ValueError):
        return None


def _document(response: httpx.Response) -> dict[str, Any]:
    document = _json(response)
    return document if isinstance(document, dict) else {}


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise PassingFault("an answer that is no JSON") from error
