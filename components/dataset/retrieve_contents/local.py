"""Reading contents from the objects of local git repositories.

Each repository that a row lists is tried, in the order of its name, until one serves both blobs.
"""

from collections.abc import Mapping
from typing import Any

from components.dataset.retrieve_contents.config import RetrieveContentsConfig
from components.dataset.retrieve_contents.reading import Unserved, serve
from components.dataset.retrieve_contents.sources import BlobSources
from themis_common.errors import UserError
from themis_common.git import GitRepository, ProcessLimits, RepositoryLocation, parse_repositories
from themis_common.stages import Context, UnitOutput


def fingerprint(config: RetrieveContentsConfig) -> Mapping[str, str]:
    """A digest of the refs of each repository."""
    digests = {}
    for location in _locations(config):
        try:
            with GitRepository.open(location.path) as repository:
                digests[f"repository {location.name}"] = repository.refs_digest("branches")
        except UserError:
            digests[f"repository {location.name}"] = "gone"
    return digests


def work(context: Context[RetrieveContentsConfig], unit: str, output: UnitOutput) -> None:
    """Read the contents of one input shard."""
    paths = {location.name: location.path for location in _locations(context.config)}
    (commits,) = context.inputs.values()
    limits = ProcessLimits(memory_bytes=context.config.git_memory_bytes)
    with BlobSources(paths, context.config.max_bytes, limits) as sources:
        for done, row in enumerate(commits.rows(unit)):
            output.read([row["row_key"]])
            _retrieve(row, sources, output)
            context.progress.update(done, unit=f"files of {unit}")


def _locations(config: RetrieveContentsConfig) -> list[RepositoryLocation]:
    locations = parse_repositories(config.repositories)
    if not locations:
        raise UserError(
            "git_repos is empty: name the local git repositories that hold the commits, or fetch them from a "
            "server with retrieve_contents.source=remote"
        )
    return locations


def _retrieve(row: Mapping[str, Any], sources: BlobSources, output: UnitOutput) -> None:
    """Emit one row with its contents, or drop it; the last repository tried has the say on the reason."""
    why = Unserved("repo_gone", "the row lists no repository")
    for name in sorted(row["repos"]):
        reader = sources.reader(name)
        if reader is None:
            why = Unserved("repo_gone", sources.why_gone(name))
            continue
        unserved = serve(row, name, reader, output)
        if unserved is None:
            return
        why = unserved
    output.drop(row["row_key"], why.reason, why.detail)
