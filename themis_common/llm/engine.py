"""What a stage sends to an engine and what it gets back.

A request carries the rendered messages, which is all that a language model sees, and the values they were
rendered from, which engines without a language model work on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from themis_common.prompts.tasks import task_prompt

FinishReason = Literal["stop", "length", "refused", "too_long"]
"""Why an answer ended: by itself, at its longest, because the model or its provider refused, or it never began because
the request does not fit the model. The last two are answers as well: asking again would not change them."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a request; `principle` is a role that some judges have in their chat template."""

    role: Literal["system", "user", "assistant", "principle"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How an answer is sampled; the seed is the request's own, so that samples differ and runs agree."""

    temperature: float
    top_p: float
    max_tokens: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One answer wanted.

    Attributes:
        task: the name of the task, as `prompts.tasks` knows it.
        template: `<task>/v<version>` of the prompt, with the digest of its texts in `template_sha256`.
        variables: the values that the messages were rendered from.
    """

    task: str
    template: str
    template_sha256: str
    messages: tuple[Message, ...]
    sampling: Sampling
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of the request and of the answer; zero where no language model was involved."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """One generated token, and the log-probabilities of those that were most likely in its place, by their text."""

    token: str
    likely: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One answer: its text, why it ended, what it cost, and the name of the engine that gave it.

    `ending` are its last tokens, where the request asked for log-probabilities.
    """

    text: str
    finish_reason: FinishReason
    engine: str
    usage: Usage = field(default_factory=Usage)
    ending: tuple[Choice, ...] = ()


class Engine(Protocol):
    """Answers requests.

    Attributes:
        name: what reports call it; names the model where there is one.
    """

    name: str

    def check_model(self) -> None:
        """Look whether the model is there, as far as that shows without an answer.

        Raises:
            UserError: it is not.
        """

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion for each request, in the same order.

        Raises:
            TransientError: the engine cannot answer now.
            UserError: the engine is set up wrongly, or its budget is used up.
        """


def build_request(task: str, variables: Mapping[str, str], sampling: Sampling) -> Request:
    """The request for a task with its prompt rendered."""
    prompt = task_prompt(task, variables)
    return Request(
        task=task,
        template=prompt.template,
        template_sha256=prompt.template_sha256,
        messages=(Message("system", prompt.system), Message("user", prompt.user)),
        sampling=sampling,
        variables=variables,
    )
