"""Reading git repositories that nobody vouches for: history and blobs, without running anything of theirs."""

from themis_common.git.blobs import BlobReader, Damaged, Missing, TooLarge
from themis_common.git.fetch import FetchFolder, FetchLimits, StoppedError, Transport
from themis_common.git.fetch_failures import FetchFailure
from themis_common.git.history import Commit, Difference
from themis_common.git.locations import RepositoryLocation, parse_repositories
from themis_common.git.process_limits import ProcessLimits
from themis_common.git.remotes import RemoteTemplate
from themis_common.git.repository import GitRepository

__all__ = [
    "BlobReader",
    "Commit",
    "Damaged",
    "Difference",
    "FetchFailure",
    "FetchFolder",
    "FetchLimits",
    "GitRepository",
    "Missing",
    "ProcessLimits",
    "RemoteTemplate",
    "RepositoryLocation",
    "StoppedError",
    "TooLarge",
    "Transport",
    "parse_repositories",
]
