"""The prompts of LLM tasks: trusted template files, untrusted values only as framed variables.

File contents, messages and completions come from anywhere. They are never part of a template's source, and
where they appear they stand between tags that carry a nonce, inside a fence that is longer than any in them;
whatever they contain, they cannot end their frame. The nonce is a hash of all values, so that equal requests
stay equal.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from themis_common.hashing import canonical_json, digest_of
from themis_common.prompts.templates import render_text
from themis_common.taxonomy import Criterion

_VERSIONS = {"commit_review_instruct": 1, "preference_judge": 1}
_QUESTIONS = {"commit_review_instruct": "review_questions/v1", "preference_judge": "judge_criteria/v1"}
_NONCE_CHARS = 16


@dataclass(frozen=True, slots=True)
class TaskPrompt:
    """What an LLM is sent for one task, and which texts it was made from.

    Attributes:
        template: `<task>/v<version>`.
        template_sha256: over the system and the user template.
    """

    template: str
    template_sha256: str
    system: str
    user: str


def task_prompt(task: str, variables: Mapping[str, str]) -> TaskPrompt:
    """Render the templates of a task with values for all that they use.

    Raises:
        jinja2.UndefinedError: a variable is missing.
        KeyError: there is no such task.
    """
    version = _VERSIONS[task]
    system, user = (_template_text(task, version, role) for role in ("system", "user"))
    frame = _Frame(variables)
    values = {**variables, "nonce": frame.nonce, "framed": frame}
    return TaskPrompt(
        template=f"{task}/v{version}",
        template_sha256=digest_of([system, user]),
        system=render_text(system, values),
        user=render_text(user, values),
    )


def prompts_sha256(task: str) -> str:
    """A digest over all texts that requests of a task are made from: 64 hex characters."""
    version = _VERSIONS[task]
    folder = resources.files(__package__) / "texts" / _QUESTIONS[task]
    questions = sorted((file.name, file.read_text(encoding="utf-8")) for file in folder.iterdir())
    return digest_of(
        [_template_text(task, version, "system"), _template_text(task, version, "user"), questions]
    )


def review_question(criterion: Criterion) -> str:
    """What a reviewer asks of a change on one of the code criteria."""
    return _question("commit_review_instruct", criterion)


def judge_questions(criterion: Criterion) -> str:
    """The numbered questions by which a judge compares two completions."""
    return _question("preference_judge", criterion)


class _Frame:
    """Puts untrusted text between tags and fences that it cannot close."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        content = canonical_json(dict(variables))
        self.nonce = hashlib.sha256(content.encode()).hexdigest()[:_NONCE_CHARS]
        longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
        self._fence = "`" * max(3, longest + 1)

    def __call__(self, tag: str, text: str, language: str = "") -> str:
        name = f"{tag}_{self.nonce}"
        return f"<{name}>\n{self._fence}{language.lower()}\n{text}\n{self._fence}\n</{name}>"


def _question(task: str, criterion: Criterion) -> str:
    return _text(f"{_QUESTIONS[task]}/{criterion.key}.md")


def _template_text(task: str, version: int, role: str) -> str:
    return _text(f"tasks/{task}/v{version}/{role}.j2")


@cache
def _text(name: str) -> str:
    return (resources.files(__package__) / "texts" / name).read_text(encoding="utf-8").strip()
