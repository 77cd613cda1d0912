"""Repositories below a folder that a server serves, and rows of commits that they hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.dataset.retrieve_contents.config import RetrieveContentsConfig
from components.dataset.retrieve_contents.stage import STAGE
from tests.components.dataset.mined import filtered_row
from tests.components.dataset.written import write_dataset
from tests.fixtures.git_repositories import RepositoryBuilder, run_git
from themis_common.datasets.reader import DatasetReader
from themis_common.hashing import row_key
from themis_common.schemas import CHANGES, FILTERED_COMMITS
from themis_common.stages import run_stage


@dataclass
class Served:
    """A folder of bare repositories."""

    root: Path
    rows: list[dict[str, Any]] = field(default_factory=list)

    def repository(self, name: str, versions: int = 2, *, size: int = 0) -> list[dict[str, Any]]:
        """Make a repository whose one file has so many versions; a row for each change of it.

        Args:
            size: bytes that no compression makes less, in each version.
        """
        builder = RepositoryBuilder(self.root / f"{name}.git")
        for version in range(versions):
            filler = _noise(name, version, size)
            builder.commit({"a.py": f"x = {version}  # {name}\n".encode() + filler})
        commits = builder.build(bare=True)
        blobs = [self._blob(name, commit) for commit in commits]
        made = [
            filtered_row(commit, path="a.py", repos=[name], old_blob=blobs[index], new_blob=blobs[index + 1])
            for index, commit in enumerate(commits[1:])
        ]
        self.rows += made
        return made

    @property
    def url(self) -> str:
        """The address of the repositories without a server."""
        return f"file://{self.root}/{{repo}}.git"

    def _blob(self, name: str, commit: str) -> str:
        return run_git("-C", str(self.root / f"{name}.git"), "rev-parse", f"{commit}:a.py").decode().strip()


def _noise(name: str, version: int, size: int) -> bytes:
    return "".join(row_key(name, version, number) for number in range(size // 32)).encode()


def remote_config(url: str, **options: Any) -> RetrieveContentsConfig:
    """Options of the stage for a server, without pauses unless `options` say otherwise."""
    return RetrieveContentsConfig(
        source="remote", url=url, **{"pause_seconds": 0.0, "patience_seconds": 0.0, **options}
    )


def retrieve(
    folder: Path, url: str, rows: Sequence[dict[str, Any]], shards: int = 1, **options: Any
) -> DatasetReader:
    """Run the stage on a server."""
    folder.mkdir(exist_ok=True)
    source = write_dataset(folder / "in", FILTERED_COMMITS, rows, shards)
    config = remote_config(url, **options)
    return DatasetReader(run_stage(STAGE, config, {"commits": source}, str(folder / "out")).uri, CHANGES)


def fates(dataset: DatasetReader) -> dict[str, str]:
    """Of each row key, the repository that served it, or the reason why none did."""
    kept = {row["row_key"]: row["repo"] for row in dataset.rows()}
    return {**kept, **{row["row_key"]: row["reason"] for row in dataset.rejected()}}


def details(dataset: DatasetReader) -> str:
    """What the side table says of all dropped rows."""
    return "\n".join(row["detail"] for row in dataset.rejected())
