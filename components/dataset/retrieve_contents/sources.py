"""The repositories that serve contents, opened when first asked and closed again when many others were since."""

from collections import OrderedDict
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from themis_common.errors import UserError
from themis_common.git import BlobReader, GitRepository, ProcessLimits

_OPEN_AT_ONCE = 32
"""Rows come grouped by repository, so this is enough for forks; each open repository is one git process."""


class BlobSources:
    """Blob readers by repository name; a context manager.

    Args:
        paths: where the repositories are, by name.
        max_bytes: the size limit of the readers.
        limits: what each git process may take.
    """

    def __init__(self, paths: dict[str, Path], max_bytes: int, limits: ProcessLimits) -> None:
        self._paths = paths
        self._max_bytes = max_bytes
        self._limits = limits
        self._open: OrderedDict[str, tuple[BlobReader, ExitStack]] = OrderedDict()
        self._gone: dict[str, str] = {}

    def reader(self, name: str) -> BlobReader | None:
        """A reader on the repository `name`, or None where it cannot be read; `why_gone` tells why."""
        if name in self._gone:
            return None
        if name not in self._open and not self._try_to_open(name):
            return None
        self._open.move_to_end(name)
        return self._open[name][0]

    def why_gone(self, name: str) -> str:
        """Why there is no reader on the repository `name`."""
        return self._gone[name]

    def _try_to_open(self, name: str) -> bool:
        if name not in self._paths:
            self._gone[name] = f"{name} is not among git_repos"
            return False
        stack = ExitStack()
        try:
            repository = stack.enter_context(GitRepository.open(self._paths[name], self._limits))
        except UserError as error:
            self._gone[name] = str(error)
            return False
        reader = stack.enter_context(repository.blob_reader(self._max_bytes))
        self._open[name] = (reader, stack)
        if len(self._open) > _OPEN_AT_ONCE:
            _, (_, oldest) = self._open.popitem(last=False)
            oldest.close()
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for _, stack in self._open.values():
            stack.close()
