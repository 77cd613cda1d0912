"""The options of reading contents."""

from typing import Literal

from themis_common.config import config, option
from themis_common.git import RemoteTemplate

MEGABYTE = 1_000_000


@config
class RetrieveContentsConfig:
    """Where contents come from, and what fetching them may take."""

    source: Literal["repositories", "remote"] = option(
        "repositories",
        help="read local git repositories, or fetch from a server the repositories that rows list",
    )
    repositories: tuple[str, ...] = option(
        (),
        help="local git repositories, each PATH or PATH#NAME, under the names that the rows mention",
        shared="git_repos",
        # what the output depends on are the names and refs, which are in the fingerprint
        affects_result=False,
    )
    url: str = option(
        "", help="of a server, the address with {repo} for the name, e.g. https://github.com/{repo}.git"
    )
    token_env: str = option(
        "", help="of a server, the environment variable that holds an access token; needs https"
    )
    connections: int = option(
        4, help="of a server, fetches at once in one process, 1 to 64", affects_result=False
    )
    pause_seconds: float = option(
        0.1,
        help="of a server, seconds from the start of one fetch to that of the next, in one process",
        affects_result=False,
    )
    timeout_seconds: float = option(300.0, help="of a server, seconds that one fetch may take")
    patience_seconds: float = option(
        120.0, help="of a server, seconds in which a fetch that failed in passing is tried again"
    )
    max_repository_mb: int = option(
        256, help="of a server, MB that may come of one repository (of 2,500 commits of it, when it has more)"
    )
    max_memory_mb: int = option(
        192,
        help="MB of memory that one git process may take; what needs more to unpack is too large or damaged",
    )
    max_bytes: int = option(1_048_576, help="bytes of the largest file to use")

    def __post_init__(self) -> None:
        for name in ("max_bytes", "max_repository_mb"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.max_memory_mb < 64:
            raise ValueError(f"max_memory_mb must be at least 64, found {self.max_memory_mb}")
        if not 1 <= self.connections <= 64:
            raise ValueError(f"connections must be from 1 to 64, found {self.connections}")
        if self.timeout_seconds <= 0:
            raise ValueError(f"timeout_seconds must be more than 0, found {self.timeout_seconds}")
        for name in ("pause_seconds", "patience_seconds"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, found {getattr(self, name)}")
        if self.source == "remote":
            self._check_remote()

    @property
    def git_memory_bytes(self) -> int:
        """What one git process may take."""
        return self.max_memory_mb * MEGABYTE

    def _check_remote(self) -> None:
        if not self.url:
            raise ValueError("url is not set; name the server, for example https://github.com/{repo}.git")
        template = RemoteTemplate.parse(self.url)
        if self.token_env and template.scheme != "https":
            raise ValueError(f"token_env needs an address that starts with https://, found {self.url!r}")
