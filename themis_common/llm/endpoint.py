"""One OpenAI-compatible endpoint: a single attempt at a request, and what its failure means.

The API key is read from the environment when the first request is sent. It goes into one header and nowhere else:
not into an error, should the endpoint repeat it, and not into a file.
"""

import asyncio
import logging
import ssl
from collections.abc import Mapping

import httpx

from themis_common.errors import UserError
from themis_common.llm.chat_completions import (
    Problem,
    Response,
    UnreadableAnswerError,
    one_line,
    read_models,
    read_problem,
    read_response,
    retry_after,
    unanswered,
)
from themis_common.llm.config import EngineConfig
from themis_common.llm.option_names import OptionNames

_LONGEST_BODY = 8 << 20
_CONNECT_SECONDS = 30.0
_LIST_SECONDS = 30.0
_SHOWN_MODELS = 5
_PASSING = {408, 409, 425, 429}
_MAYBE_BILLED = {408, 504, 524}
"""Time-outs of something between us and a model that may have been answering."""


class AttemptFault(Exception):  # noqa: N818 (a fault of one attempt, an error only when none succeeds)
    """What one attempt met and another may not.

    Attributes:
        retry_after: seconds that the endpoint asks to wait before any request; 0 where it does not ask.
        billed: whether the attempt may have been billed, because a model may have answered it.
        misdirected: whether this is what a wrong address looks like: nobody there, or somebody else.
    """

    def __init__(
        self, message: str, *, retry_after: float = 0.0, billed: bool = False, misdirected: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.billed = billed
        self.misdirected = misdirected


class Endpoint:
    """The endpoint that a configuration names.

    Args:
        environment: where the API key is looked up.
        names: what messages call the options.
    """

    def __init__(self, config: EngineConfig, environment: Mapping[str, str], names: OptionNames) -> None:
        self._config = config
        self._names = names
        self._environment = environment
        self._key = ""
        self._tls: ssl.SSLContext | None = None
        # One client for each request under way: a client with many connections looks at all of them for every
        # request, which at 32 took more time than everything else together.
        self._clients: list[httpx.AsyncClient] = []
        self._idle: list[httpx.AsyncClient] = []
        self.has_answered = False
        """Whether it has ever given a chat completion, so that its address must be right."""

    async def ask(self, content: bytes) -> Response:
        """Send a request, once.

        Raises:
            AttemptFault: another attempt may succeed.
            UserError: none will, before the configuration, the key or the account is mended.
        """
        try:
            async with asyncio.timeout(self._config.limits.timeout_seconds):
                status, headers, body = await self._exchange("POST", "chat/completions", content)
        except TimeoutError as error:
            raise AttemptFault(
                f"no answer in {self._config.limits.timeout_seconds:g} s", billed=True
            ) from error
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            raise AttemptFault(f"no connection ({one_line(str(error))})", misdirected=True) from error
        except httpx.InvalidURL as error:
            raise UserError(
                f"{self._names.base_url} {self._config.base_url} is no address: {error}"
            ) from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise AttemptFault(f"{type(error).__name__}: {one_line(str(error))}", billed=True) from error
        response = self._read(status, headers, body)
        self._check_log_probabilities(response)
        self.has_answered = True
        return response

    async def check_model(self) -> None:
        """Look for the model among those that the endpoint lists.

        Many endpoints have no list, or not for every key, and whatever else is wrong the first request finds with more
        patience. So only a list without the model counts.

        Raises:
            UserError: the endpoint lists other models, or no key is set.
        """
        try:
            async with asyncio.timeout(min(_LIST_SECONDS, self._config.limits.timeout_seconds)):
                status, _, body = await self._exchange("GET", "models")
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, AttemptFault):
            return
        models = read_models(body) if 200 <= status < 300 else []
        if models and self._config.model not in models:
            shown = one_line(", ".join(models[:_SHOWN_MODELS]), self._key)
            more = f" and {len(models) - _SHOWN_MODELS:,} more" if len(models) > _SHOWN_MODELS else ""
            raise UserError(
                f"{self._config.base_url} does not serve the model {self._config.model}, it lists {shown}{more}: check "
                f"{self._names.model} and {self._names.base_url}"
            )

    async def close(self) -> None:
        """Give up the connections."""
        for client in self._clients:
            await client.aclose()

    def lost(self, fault: AttemptFault, attempts: int) -> str:
        """The message about a request that failed in every attempt."""
        return f"{self._config.base_url} did not answer in {attempts} attempts: {fault} (model {self._config.model})"

    def misdirected(self, fault: AttemptFault) -> UserError:
        """The error where nothing at the address has ever given a chat completion."""
        return UserError(
            f"no chat completions at {self._config.base_url}: {fault}; check {self._names.base_url} (it usually ends "
            f"in /v1) and that the endpoint is up ({self._identity()})"
        )

    async def _exchange(
        self, method: str, path: str, content: bytes | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        client = self._idle.pop() if self._idle else self._connect()
        url = f"{self._config.base_url.rstrip('/')}/{path}"
        try:
            async with client.stream(method, url, content=content) as answer:
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > _LONGEST_BODY:
                        raise AttemptFault(
                            f"the answer is longer than {_LONGEST_BODY >> 20} MiB", billed=True
                        )
                return answer.status_code, answer.headers, bytes(body)
        finally:
            self._idle.append(client)

    def _connect(self) -> httpx.AsyncClient:
        headers = {"Content-Type": "application/json"}
        variable = self._config.api_key_env
        if variable:
            self._key = self._environment.get(variable, "").strip()
            if not self._key or not (self._key.isascii() and self._key.isprintable()):
                fault = "holds no API key" if self._key else "is not set"
                raise UserError(
                    f"environment variable {variable} ({self._names.api_key_env}) {fault}; set it to the API key for "
                    f"{self._config.base_url} (model {self._config.model})"
                )
            headers["Authorization"] = f"Bearer {self._key}"
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
            # it would tell of every request, and bury the progress where somebody listens to all loggers, as KFP does
            logging.getLogger("httpx").setLevel(logging.WARNING)
        seconds = self._config.limits.timeout_seconds
        timeout = httpx.Timeout(seconds, connect=min(_CONNECT_SECONDS, seconds))
        self._clients.append(httpx.AsyncClient(headers=headers, timeout=timeout, verify=self._tls))
        return self._clients[-1]

    def _read(self, status: int, headers: Mapping[str, str], body: bytes) -> Response:
        if 200 <= status < 300:
            try:
                return read_response(body, secret=self._key)
            except UnreadableAnswerError as error:
                raise AttemptFault(str(error), billed=True, misdirected=True) from error
        problem = read_problem(body, secret=self._key)
        if status in {400, 403, 413, 422} or status >= 500:
            answer = unanswered(problem, too_large=status == 413)
            if answer is not None:
                return answer
        if (status in _PASSING or status >= 500) and not problem.is_out_of_credit:
            raise AttemptFault(
                f"{status} {problem.message}".strip(),
                retry_after=retry_after(headers),
                billed=status in _MAYBE_BILLED,
            )
        raise self._refusal(status, problem)

    def _check_log_probabilities(self, response: Response) -> None:
        """Refuse an answer without the log-probabilities that were asked for, which many servers leave out silently.

        Kept, it would be found again when the server is mended.
        """
        answered = response.text and response.finish_reason in {"stop", "length"}
        asked = self._config.extra_body.get("top_logprobs")
        if answered and asked and not any(choice.likely for choice in response.ending):
            raise UserError(
                f"{self._config.base_url} answers without the log-probabilities that top_logprobs asks for: set "
                f"{self._names.base_url} to a server that gives them, such as vLLM ({self._identity()})"
            )

    def _refusal(self, status: int, problem: Problem) -> UserError:
        said = f"{status} {problem.message}".strip()
        url, names = self._config.base_url, self._names
        if status in {401, 403}:
            advice = f"{url} refuses the API key ({said}): check the key and what it may use"
        elif status == 404:
            both = f"{names.model} and {names.base_url}"
            advice = f"{url} has no such model or no chat completions ({said}): check {both}"
        elif status == 402 or problem.is_out_of_credit:
            advice = f"{url} says that the account is out of credit ({said}): fill it and run again"
        elif 300 <= status < 400:
            advice = f"{url} has moved ({said}): set {names.base_url} to its address"
        else:
            fields = f"{names.extra_body} and " if names.extra_body else ""
            advice = f"{url} refuses the request ({said}): check {fields}what the model supports"
        return UserError(f"{advice} ({self._identity()})")

    def _identity(self) -> str:
        variable = self._config.api_key_env
        unset = f"no key, {self._names.api_key_env} is not set"
        key = f"key from environment variable {variable}" if variable else unset
        return f"model {self._config.model}, {key}"
