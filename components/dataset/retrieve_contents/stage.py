"""Read both versions of every changed file from the objects of local git repositories.

Blobs are read by their ids: nothing is checked out, no path reaches git, no filter, attribute or line-ending
conversion applies. Each repository that holds a commit is tried, in the order of its name, until one serves both
blobs. Source: facts/dataset.md sections 6 and 16.1 rows 7 to 11.
"""

from collections.abc import Mapping
from typing import Any

from components.dataset.retrieve_contents.contents import REASONS as CONTENT_REASONS
from components.dataset.retrieve_contents.contents import Texts, read_texts
from components.dataset.retrieve_contents.sources import BlobSources
from themis_common.config import config, option
from themis_common.errors import UserError
from themis_common.git import (
    BlobReader,
    Damaged,
    GitRepository,
    Missing,
    RepositoryLocation,
    TooLarge,
    parse_repositories,
)
from themis_common.schemas import CHANGES, FILTERED_COMMITS
from themis_common.stages import Context, Stage, UnitOutput


@config
class RetrieveContentsConfig:
    """Where contents come from."""

    repositories: tuple[str, ...] = option(
        (),
        help="local git repositories, each PATH or PATH#NAME, under the names that the rows mention",
        shared="git_repos",
        # what the output depends on are the names and refs, which are in the fingerprint
        affects_result=False,
    )
    max_bytes: int = option(1_048_576, help="bytes of the largest file to use")

    def __post_init__(self) -> None:
        if self.max_bytes < 1:
            raise ValueError(f"max_bytes must be at least 1, found {self.max_bytes}")


def _locations(config: RetrieveContentsConfig) -> list[RepositoryLocation]:
    locations = parse_repositories(config.repositories)
    if not locations:
        raise UserError("git_repos is empty: name the local git repositories that hold the commits")
    return locations


def _fingerprint(config: RetrieveContentsConfig) -> Mapping[str, str]:
    digests = {}
    for location in _locations(config):
        try:
            with GitRepository.open(location.path) as repository:
                digests[f"repository {location.name}"] = repository.refs_digest("branches")
        except UserError:
            digests[f"repository {location.name}"] = "gone"
    return digests


def _work(context: Context[RetrieveContentsConfig], unit: str, output: UnitOutput) -> None:
    paths = {location.name: location.path for location in _locations(context.config)}
    (commits,) = context.inputs.values()
    with BlobSources(paths, context.config.max_bytes) as sources:
        for done, row in enumerate(commits.rows(unit)):
            output.read([row["row_key"]])
            _retrieve(row, sources, output)
            context.progress.update(done, unit=f"files of {unit}")


def _retrieve(row: Mapping[str, Any], sources: BlobSources, output: UnitOutput) -> None:
    """Emit one row with its contents, or drop it; the last repository tried has the say on the reason."""
    reason, detail = "repo_gone", "the row lists no repository"
    for name in sorted(row["repos"]):
        reader = sources.reader(name)
        if reader is None:
            reason, detail = "repo_gone", sources.why_gone(name)
            continue
        found = _read_both(reader, row["old_blob"], row["new_blob"])
        if isinstance(found, str):
            reason, detail = found, f"{name} {row['old_blob']} {row['new_blob']}"
            continue
        texts = read_texts(*found)
        if isinstance(texts, Texts):
            output.emit({**row, "repo": name, "old_contents": texts.old, "new_contents": texts.new})
            return
        # another repository would serve the same bytes
        reason, detail = texts.reason, f"{texts.side} {row['path']}"
        break
    output.drop(row["row_key"], reason, detail)


def _read_both(reader: BlobReader, old_blob: str, new_blob: str) -> tuple[bytes, bytes] | str:
    """The bytes of both versions, or the reason why this repository does not serve them."""
    contents = []
    for blob in (old_blob, new_blob):
        match reader.read(blob):
            case bytes() as data:
                contents.append(data)
            case Missing():
                return "blob_missing"
            case Damaged():
                return "blob_damaged"
            case TooLarge():
                return "too_large"
    old, new = contents
    return old, new


STAGE = Stage(
    name="dataset.retrieve_contents",
    version=1,
    config=RetrieveContentsConfig,
    inputs={"commits": FILTERED_COMMITS},
    output=CHANGES,
    reasons=("repo_gone", "blob_missing", "blob_damaged", "too_large", *CONTENT_REASONS),
    work=_work,
    fingerprint=_fingerprint,
)
