"""Which wording the system prompts of a cell have: ours, or the published one where the user has imported it."""

from collections.abc import Callable

from themis_common.hashing import digest_of
from themis_common.prompts.published import PUBLISHED_SHA256, load_prompts
from themis_common.prompts.registry import PromptMode, system_prompt
from themis_common.store import open_store
from themis_common.taxonomy import Criterion

SystemText = Callable[[PromptMode, Criterion], str | None]
"""The system prompt of a row of that criterion, None where the mode gives it none."""


def our_wording(mode: PromptMode, criterion: Criterion) -> str | None:
    """The wording that our own models are trained on."""
    prompt = system_prompt(mode, criterion)
    return prompt.text if prompt else None


def system_texts(prompts: str) -> SystemText:
    """The wording of a scoring run.

    Args:
        prompts: location of the file that `themis prompts import` wrote; empty for our own wording.

    Raises:
        UserError: there is no such file, or it was changed.
    """
    if not prompts:
        return our_wording
    folder, _, file = prompts.rpartition("/")
    return load_prompts(open_store(folder or "."), file, PUBLISHED_SHA256).text


def wording_digest(prompts: str) -> str:
    """A digest of the texts that `system_texts` gives, wherever their file lies."""
    texts = system_texts(prompts)
    modes = (PromptMode.ALL, PromptMode.CRITERION)
    return digest_of([texts(mode, criterion) for mode in modes for criterion in Criterion])
