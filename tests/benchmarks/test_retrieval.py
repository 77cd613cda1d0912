"""Reading both versions of changed files: ours against the published fetch for each commit.

What: the whole stage `dataset.retrieve_contents`, to a finished dataset, from a `file://` remote and from a local
repository. Against: `published_retrieval.py` on the same remote. There is no network latency, which would multiply by
the number of connections.

How to read it: seconds are CPU seconds with those of git on both sides, for one commit. Bytes are those of the packs
that came over the transport: counted, so they are asserted. The contents must be equal. What a connection costs is
paid once for a repository, so it falls with the number of commits that are read; 80 is about the mean of the
published data.

Histories of real projects come from bare repositories of yours, as many as you like; without them a synthetic one
takes their place:

    BENCHMARK_HISTORIES=~/git/flask.git:~/git/express.git .venv/bin/pytest -m "" -s tests/benchmarks/test_retrieval.py
"""

import os
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from components.dataset.mine_commits.config import MineCommitsConfig
from components.dataset.mine_commits.stage import STAGE as MINE
from components.dataset.retrieve_contents.config import RetrieveContentsConfig
from components.dataset.retrieve_contents.stage import STAGE
from tests.benchmarks.git_history import write_history
from tests.benchmarks.measure import interleaved, timed
from tests.benchmarks.published_retrieval import fetch_contents, fetched_bytes
from tests.benchmarks.report import Report, Table, at_least
from tests.components.dataset.written import write_dataset
from themis_common.datasets.reader import DatasetReader
from themis_common.git import FetchFolder, FetchLimits, RemoteTemplate, Transport
from themis_common.git.fetch_blobs import fetch_blobs
from themis_common.schemas import CHANGES, COMMITS, FILTERED_COMMITS
from themis_common.stages import run_stage

pytestmark = pytest.mark.slow

SAMPLE = 80
REPETITIONS = 2
HISTORIES = [path for path in os.environ.get("BENCHMARK_HISTORIES", "").split(os.pathsep) if path]


@pytest.fixture(
    params=HISTORIES or ["synthetic"],
    ids=lambda path: f"history {HISTORIES.index(path) + 1}" if path in HISTORIES else path,
)
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The remote `owner/project` below `served`."""
    place = tmp_path / "served/owner/project.git"
    place.parent.mkdir(parents=True)
    if request.param == "synthetic":
        write_history(place, files=400, commits=1500, lines=80, seed=5)
    else:
        place.symlink_to(Path(request.param).expanduser().absolute())
    return place


def sample_of(repository: Path, folder: Path) -> list[dict[str, Any]]:
    """Rows of commits, evenly from the whole history."""
    config = MineCommitsConfig(repositories=(f"{repository}#owner/project",))
    rows = list(DatasetReader(run_stage(MINE, config, {}, str(folder)).uri, COMMITS).rows())
    return [{**row, "language": "Python"} for row in rows[:: max(1, len(rows) // SAMPLE)][:SAMPLE]]


def bytes_of_blobs(remote: RemoteTemplate, rows: list[dict[str, Any]], folder: Path) -> int:
    """Bytes of the packs that the stage fetches for `rows`."""
    fetched = FetchFolder(folder, Transport(remote=remote), FetchLimits(max_bytes=10**9, seconds=600.0))
    url = remote.url("owner/project")
    assert url is not None
    blobs = [blob for row in rows for blob in (row["old_blob"], row["new_blob"])]
    failure = fetch_blobs(lambda wants, depth: fetched.fetch(url, wants, depth=depth), blobs, [])
    assert failure is None
    return fetched.num_bytes()


def test_retrieval(report: Report, repository: Path, tmp_path: Path) -> None:
    rows = sample_of(repository, tmp_path / "mined")
    source = write_dataset(tmp_path / "sample", FILTERED_COMMITS, rows)
    remote = RemoteTemplate.parse(f"file://{tmp_path}/served/{{repo}}.git")
    url = f"file://{repository}"
    attempts = count()

    def read(config: RetrieveContentsConfig) -> dict[str, tuple[str, str]]:
        output = run_stage(STAGE, config, {"commits": source}, str(tmp_path / f"read{next(attempts)}")).uri
        return {
            row["commit"]: (row["old_contents"], row["new_contents"])
            for row in DatasetReader(output, CHANGES).rows()
        }

    def fetch() -> dict[str, tuple[str, str]]:
        return {
            row["commit"]: fetch_contents(
                url, row["commit"], row["path"], tmp_path / f"fetch{next(attempts)}"
            )
            for row in rows
        }

    fetching = RetrieveContentsConfig(source="remote", url=remote.text)
    reading = RetrieveContentsConfig(repositories=(f"{repository}#owner/project",))
    samples = interleaved(
        {
            "remote": timed(lambda: read(fetching)),
            "local": timed(lambda: read(reading)),
            "published": timed(fetch),
        },
        REPETITIONS,
    )
    ours, published = samples["remote"], samples["published"]
    # what the published way decodes with losses, or takes for text, ours drops under a reason
    assert len(ours.result) > 0.9 * len(rows)
    assert ours.result == samples["local"].result
    assert ours.result == {sha: published.result[sha] for sha in ours.result}

    our_bytes = bytes_of_blobs(remote, rows, tmp_path / "blobs")
    their_bytes = sum(fetched_bytes(url, row["commit"], tmp_path / f"fetch{next(attempts)}") for row in rows)
    bytes_moved = {"remote": our_bytes, "local": 0, "published": their_bytes}
    names = {
        "remote": "ours, one fetch of all blobs",
        "local": "ours, from a local repository",
        "published": "published: a fetch for each commit",
    }
    report.add(
        Table(
            title=f"Retrieval: both versions of {len(rows)} changed files ({describe(repository)})",
            columns=("method", "CPU ms / commit", "wall ms / commit", "bytes over the transport"),
            rows=[
                (
                    names[name],
                    f"{1000 * sample.cpu / len(rows):.2f}",
                    f"{1000 * sample.wall / len(rows):.2f}",
                    f"{bytes_moved[name]:,}",
                )
                for name, sample in samples.items()
            ],
            notes=[
                f"CPU seconds, published / ours: {at_least(published.cpu / ours.cpu, 30.0)}",
                f"bytes, published / ours: {at_least(their_bytes / our_bytes, 50.0)}",
                f"connections: 1, {len(rows)} as published",
            ],
        )
    )
    assert their_bytes > 25 * our_bytes
    assert published.cpu > 10 * ours.cpu


def describe(repository: Path) -> str:
    """A history by its name, where it has one."""
    return "a synthetic history" if not repository.is_symlink() else repository.resolve().parent.name
