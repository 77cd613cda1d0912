"""What lies on the Hugging Face hub at a commit: `OWNER/NAME@COMMIT`, or one file or folder of it, `...@COMMIT:PATH`.

A token is taken from HF_TOKEN, the host from HF_ENDPOINT.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from themis_common.errors import UserError

_SOURCE = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[^:@/]+)(?::(?P<path>.+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
# The first is for each of the addresses that the host has, of which a hub has several.
_CONNECT_SECONDS, _ANSWER_SECONDS = 2.0, 5.0


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository at a revision; `path` is empty for all of it."""

    repo: str
    revision: str
    path: str

    def __str__(self) -> str:
        """As it is typed."""
        return f"{self.repo}@{self.revision}" + (f":{self.path}" if self.path else "")


def hub_source(text: str) -> HubSource | None:
    """What the text names on the hub; None where it has another form or is a path that exists."""
    match = _SOURCE.fullmatch(text)
    if match is None or Path(text).exists():
        return None
    return HubSource(match["repo"], match["revision"], match["path"] or "")


def fetch_hub_file(source: HubSource, folder: Path) -> Path:
    """Download the file that the source names, of a model or data set, into a folder.

    Raises:
        UserError: the revision is no commit (a branch may move), no file is named, or the hub does not give it.
    """
    if not source.path:
        raise UserError(f"{source} names no file; write {source}:FILE")
    with _hub(source) as answers:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import RepositoryNotFoundError

        def fetch(kind: str) -> Path:
            return Path(
                hf_hub_download(
                    source.repo,
                    source.path,
                    repo_type=kind,
                    revision=source.revision,
                    local_dir=folder,
                    local_files_only=not answers,
                )
            )

        try:
            return fetch("model")
        except RepositoryNotFoundError:
            return fetch("dataset")


def fetch_hub_folder(source: HubSource, kind: Literal["model", "dataset"], patterns: Sequence[str]) -> Path:
    """The folder of a repository's files in the hub's own cache; what is there already is not fetched again.

    Args:
        patterns: file names, with `*`, that are wanted.

    Raises:
        UserError: the revision is no commit (a branch may move), or the hub does not give it.
    """
    with _hub(source) as answers:
        from huggingface_hub import snapshot_download

        folder = snapshot_download(
            source.repo,
            repo_type=kind,
            revision=source.revision,
            allow_patterns=list(patterns),
            local_files_only=not answers,
        )
    return Path(folder)


@contextmanager
def _hub(source: HubSource) -> Iterator[bool]:
    """Whether the hub answers, in a block that fetches `source`; what goes wrong there is one line about it."""
    if not _COMMIT.fullmatch(source.revision):
        raise UserError(f"{source}: revision {source.revision!r} may move; give the 40 digits of a commit")
    try:
        from huggingface_hub import constants
        from huggingface_hub.utils.logging import get_verbosity, set_verbosity
    except ModuleNotFoundError as error:
        raise UserError(f"{source}: the hub needs {error.name}: pip install 'themis[evaluate]'") from error
    # the library says itself that it is told to stay offline
    answers = constants.HF_HUB_OFFLINE or _answers(constants.ENDPOINT)
    verbosity = get_verbosity()
    set_verbosity(logging.ERROR)
    try:
        yield answers
    except OSError as error:
        silence = f"nothing answers at {constants.ENDPOINT}, and the cache does not have it"
        reason = str(error).splitlines()[0] if answers else silence
        raise UserError(f"{source}: the hub does not give it ({reason})") from error
    finally:
        set_verbosity(verbosity)


def _answers(endpoint: str) -> bool:
    """Whether anything answers there; the library would try for half a minute, and say so twice a time."""
    import requests

    try:
        requests.head(endpoint, timeout=(_CONNECT_SECONDS, _ANSWER_SECONDS))
    except requests.RequestException as error:
        # a certificate that is not trusted is an answer, of which the library says more
        return isinstance(error, requests.exceptions.SSLError)
    return True
