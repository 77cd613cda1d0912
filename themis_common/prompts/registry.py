"""The system prompts that tell a reward model what to judge: the same bytes in training and in evaluation.

A prompt is a preamble, the two general criteria, and none, one or all of the five code criteria as numbered
blocks (facts/dataset.md section 11, facts/evaluation.md section 2.1). The wording is our own and lives in
`texts/system`, one file a block, one folder a version. Blocks are separated by a blank line and a prompt ends
without a newline.
"""

import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from themis_common.hashing import digest_of
from themis_common.taxonomy import CODE_CRITERIA, Criterion


class PromptMode(enum.StrEnum):
    """Which criteria the system prompt names."""

    NONE = "none"
    """No system prompt."""
    ALL = "all"
    """The general criteria and all five code criteria."""
    CRITERION = "criterion"
    """The general criteria and the row's own code criterion; just the former for rows of a general one."""


EVALUATION_ORDER: tuple[Criterion, ...] = (
    Criterion.MEMORY_EFFICIENCY,
    Criterion.FUNCTIONAL_CORRECTNESS,
    Criterion.READABILITY_MAINTAINABILITY,
    Criterion.RUNTIME_EFFICIENCY,
    Criterion.SECURITY_HARDNESS,
)
"""The order of the code criteria in the published all-criteria prompt (items 3 to 7)."""

_GENERAL = (Criterion.HELPFULNESS, Criterion.HARMLESSNESS)
_VERSION = 1


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """A system prompt and what identifies it: the pack, its version and the criteria it names."""

    id: str
    version: int
    text: str

    @property
    def sha256(self) -> str:
        """64 hex characters over the UTF-8 text."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def system_prompt(
    mode: PromptMode, criterion: Criterion, order: Sequence[Criterion] = EVALUATION_ORDER
) -> SystemPrompt | None:
    """The system prompt of a row, or None where the mode gives it none.

    Args:
        mode: which criteria the prompt names.
        criterion: the row's own criterion.
        order: the order of the code criteria in mode `all`; a permutation of the five.
    """
    code: tuple[Criterion, ...]
    match mode:
        case PromptMode.NONE:
            return None
        case PromptMode.CRITERION:
            code = (criterion,) if criterion in CODE_CRITERIA else ()
            name = criterion.key if code else "general"
        case PromptMode.ALL:
            assert sorted(c.id for c in order) == [c.id for c in CODE_CRITERIA], (
                "order is no permutation of the five"
            )
            code = tuple(order)
            name = "all"
    blocks = [f"{number}. {_block(named.key)}" for number, named in enumerate((*_GENERAL, *code), start=1)]
    return SystemPrompt(f"themis/system/{name}", _VERSION, "\n\n".join([_block("preamble"), *blocks]))


def system_prompts_sha256() -> str:
    """A digest over the wording of all system prompts: 64 hex characters."""
    return digest_of([_block("preamble"), *(_block(criterion.key) for criterion in Criterion)])


@cache
def _block(name: str) -> str:
    file = resources.files(__package__) / "texts" / "system" / f"v{_VERSION}" / f"{name}.md"
    return file.read_text(encoding="utf-8").strip()
