"""Which engine answers LLM tasks: its model, its sampling, its limits and its budget.

The model, the sampling and further fields of the request affect results. Where the endpoint is, how fast it may be
asked, what it may cost and where its answers are kept do not: the same model served elsewhere counts as the same.
"""

import re
from typing import Any
from urllib.parse import urlsplit

from themis_common.config import config, option
from themis_common.errors import UserError
from themis_common.hashing import canonical_json

ENGINES = ("openai", "rules")
_ENV_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_OWN_FIELDS = {"messages", "model", "n", "stream"}


@config
class LimitsConfig:
    """How an endpoint may be asked; each process keeps to these on its own."""

    concurrency: int = option(default=32, help="requests under way at a time, in one process")
    requests_per_minute: int | None = option(
        default=None, help="most requests that one process starts in a minute; no limit by default"
    )
    tokens_per_minute: int | None = option(
        default=None,
        help="most tokens, of prompts and answers, for one process in a minute; no limit by default",
    )
    timeout_seconds: float = option(default=600.0, help="seconds after which one attempt is given up")
    attempts: int = option(
        default=8, help="attempts at one request before the run fails; pauses double from 1 to 60 seconds"
    )

    def __post_init__(self) -> None:
        for name in ("concurrency", "requests_per_minute", "tokens_per_minute", "attempts"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"limits.{name} must be at least 1, found {value}")
        if self.timeout_seconds <= 0:
            raise UserError(f"limits.timeout_seconds must be above 0, found {self.timeout_seconds}")


@config
class BudgetConfig:
    """What the output of one stage may cost, over all its processes and attempts."""

    max_requests: int | None = option(default=None, help="most requests; no cap by default")
    max_spend: float | None = option(
        default=None, help="most money, in the currency of the prices; no cap by default"
    )
    price_in: float = option(default=0.0, help="price of a million tokens of prompts")
    price_out: float = option(default=0.0, help="price of a million tokens of answers")

    def __post_init__(self) -> None:
        if self.max_requests is not None and self.max_requests < 0:
            raise UserError(f"budget.max_requests must be 0 or more, found {self.max_requests}")
        if min(self.price_in, self.price_out, self.max_spend or 0.0) < 0:
            raise UserError("budget.max_spend, budget.price_in and budget.price_out must be 0 or more")
        if self.max_spend is not None and not self.price_in + self.price_out > 0:
            raise UserError("budget.max_spend needs prices: set budget.price_in and budget.price_out")

    @property
    def capped(self) -> bool:
        """Whether there is a cap at all."""
        return self.max_requests is not None or self.max_spend is not None


@config
class EngineConfig:
    """Which engine answers LLM tasks, and how it samples."""

    engine: str = option(
        default="rules",
        help="the engine that answers: `rules` (deterministic, no language model) or `openai` (an endpoint that "
        "speaks OpenAI's chat completions, such as vLLM)",
    )
    model: str = option(default="", help="the language model, as the endpoint calls it")
    base_url: str = option(
        default="",
        help="where the endpoint is, usually ending in /v1; not part of the result: one model has one name",
        affects_result=False,
    )
    api_key_env: str = option(
        default="",
        help="NAME of the environment variable that holds the API key; none is sent by default",
        affects_result=False,
    )
    temperature: float = option(
        default=0.8, help="sampling temperature of a language model (dataset.md 10.3)"
    )
    top_p: float = option(default=0.95, help="nucleus share of a language model (dataset.md 10.3)")
    max_tokens: int = option(default=2560, help="longest answer in tokens (dataset.md 10.3)")
    extra_body: dict[str, Any] = option(
        default_factory=dict,
        help="further fields of the request, e.g. {reasoning_effort: low}; null leaves a field out, e.g. {seed: null}",
    )
    responses: str = option(
        default="",
        help="folder in which answers are kept and found again, by absolute path or URI; give one to share answers "
        "between configurations, by default they stay with the stage's output",
        affects_result=False,
    )
    batch_size: int = option(
        default=256,
        help="requests handed to the engine at a time; several times the concurrency keeps an endpoint busy",
        affects_result=False,
    )
    limits: LimitsConfig = option(
        default_factory=LimitsConfig, help="how an endpoint may be asked", affects_result=False
    )
    budget: BudgetConfig = option(
        default_factory=BudgetConfig, help="what answers may cost", affects_result=False
    )

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise UserError(f"unknown engine {self.engine!r}: use one of {', '.join(ENGINES)}")
        if self.temperature < 0 or not 0 < self.top_p <= 1 or min(self.max_tokens, self.batch_size) < 1:
            raise UserError(
                f"temperature {self.temperature} must be 0 or more, top_p {self.top_p} above 0 and at most 1, "
                f"max_tokens {self.max_tokens} and batch_size {self.batch_size} at least 1"
            )
        if self.engine == "rules" and (self.model or self.base_url):
            raise UserError("a model or base_url is named but the engine is rules; set engine: openai")
        if self.engine == "openai":
            self._check_endpoint()
            self._check_body()
        if self.responses and "://" not in self.responses and not self.responses.startswith("/"):
            raise UserError(f"responses {self.responses!r} is a relative path; write it as an absolute path")

    def _check_endpoint(self) -> None:
        if not self.model or not self.base_url:
            raise UserError("engine openai needs model and base_url, e.g. base_url: http://localhost:8000/v1")
        check_address(self.base_url, "base_url", self.api_key_env, "api_key_env")

    def _check_body(self) -> None:
        for field in sorted(_OWN_FIELDS & self.extra_body.keys()):
            raise UserError(f"extra_body.{field} is set by Themis; leave it out")
        try:
            canonical_json(self.extra_body)
        except (TypeError, ValueError) as error:
            raise UserError(f"extra_body holds a value that JSON does not know: {error}") from error
        if self.budget.max_spend is not None and self.longest_answer is None:
            raise UserError(
                "budget.max_spend needs a bound on answers: leave max_tokens or max_completion_tokens in extra_body"
            )

    @property
    def longest_answer(self) -> int | None:
        """Most tokens that an answer can have; None where `extra_body` takes every bound away."""
        bounds = [
            self.extra_body.get("max_completion_tokens"),
            self.extra_body.get("max_tokens", self.max_tokens),
        ]
        return next((bound for bound in bounds if isinstance(bound, int)), None)


def check_address(base_url: str, url_option: str, api_key_env: str, key_option: str) -> None:
    """Check the address of an endpoint and the name of its key's variable; neither value is ever repeated.

    Args:
        url_option: what the option of the address is called, for messages; so for `key_option`.

    Raises:
        UserError: the address is none or holds a secret, or the name is none.
    """
    try:
        url = urlsplit(base_url)
        bad_port = url.port == 0
    except ValueError:
        raise UserError(f"{url_option} is no URL; write it as https://HOST/v1") from None
    # it may hold a password
    if url.username is not None or url.query or url.fragment or "?" in base_url:
        raise UserError(
            f"{url_option} may hold no user, password or query; name the API key's variable in {key_option}"
        )
    if url.scheme not in {"http", "https"} or not url.hostname or bad_port:
        raise UserError(f"{url_option} is no http or https address; write it as https://HOST/v1")
    # people put the key itself here
    if api_key_env and not _ENV_NAME.fullmatch(api_key_env):
        raise UserError(
            f"{key_option} is the NAME of an environment variable (capitals, digits, _), never the key itself"
        )
