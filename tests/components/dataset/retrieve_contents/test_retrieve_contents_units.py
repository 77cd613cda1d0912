"""Dealing commits over units by repository: the same contents from any shards, interrupted or not, in bounded space."""

import dataclasses
import io
import re
from pathlib import Path

import pytest

from components.dataset.retrieve_contents import dealing, remote
from components.dataset.retrieve_contents.config import RetrieveContentsConfig
from components.dataset.retrieve_contents.fetching import Fetcher, Group, Patience
from components.dataset.retrieve_contents.stage import STAGE
from tests.components.dataset.retrieve_contents.served import Served, remote_config, retrieve
from tests.components.dataset.written import write_dataset
from tests.fixtures.git_servers import GitHttpServer, status
from themis_common.errors import TransientError
from themis_common.git import FetchLimits, RemoteTemplate, Transport
from themis_common.progress import Progress
from themis_common.schemas import FILTERED_COMMITS
from themis_common.stages import Context, UnitOutput, run_stage


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """Seven repositories with 22 commits, two of which nobody serves; a unit takes six of them."""
    monkeypatch.setattr(dealing, "_COMMITS_PER_UNIT", 6)
    monkeypatch.setattr(remote, "_COMMITS_PER_FETCH", 4)
    made = Served(tmp_path / "served")
    for number, versions in enumerate((11, 5, 2, 2, 4, 3, 2)):
        made.repository(f"acme/r{number}", versions=versions)
    gone = {**made.rows[0], "row_key": "gone", "repos": ["acme/gone"]}
    made.rows += [gone, {**gone, "row_key": "nowhere", "repos": []}]
    return made


def test_any_number_of_shards_gives_the_same_contents(served: Served, tmp_path: Path) -> None:
    datasets = [retrieve(tmp_path / str(shards), served.url, served.rows, shards) for shards in (1, 16)]
    assert [len(dataset.shards) for dataset in datasets] == [4, 4]
    assert {dataset.digest[:16] for dataset in datasets} == {"39341097e28bccae"}
    assert STAGE.version == 1
    # all fetched files are gone, and nothing is left in the workspace but the dealt commits
    assert not [path for path in tmp_path.rglob("*.pack") if served.root not in path.parents]


def test_a_server_gives_what_local_repositories_give(served: Served, tmp_path: Path) -> None:
    fetched = retrieve(tmp_path / "run", served.url, served.rows)
    source = write_dataset(tmp_path / "in", FILTERED_COMMITS, served.rows)
    names = {row["repos"][0] for row in served.rows if row["repos"]} - {"acme/gone"}
    config = RetrieveContentsConfig(repositories=tuple(f"{served.root}/{name}.git#{name}" for name in names))
    read = run_stage(STAGE, config, {"commits": source}, str(tmp_path / "out"))
    assert read.manifest.content_digest == fetched.digest
    assert read.manifest.counts == fetched.manifest.counts


def test_a_repository_is_in_one_unit_unless_it_is_larger(served: Served, tmp_path: Path) -> None:
    source = write_dataset(tmp_path / "in", FILTERED_COMMITS, served.rows, 16)
    seen: list[dict[str, set[str]]] = []

    def look(context: Context[RetrieveContentsConfig], unit: str, output: UnitOutput) -> None:
        by_repository: dict[str, set[str]] = {}
        for row in dealing.dealt_rows(context, unit):
            output.read([row["row_key"]])
            output.drop(row["row_key"], "repo_gone")
            by_repository.setdefault(min(row["repos"], default=""), set()).add(row["row_key"])
        seen.append(by_repository)

    config = remote_config(served.url)
    run_stage(dataclasses.replace(STAGE, work=look), config, {"commits": source}, str(tmp_path / "out"))
    assert [sum(map(len, unit.values())) for unit in seen] == [6, 6, 6, 6]
    units = {name: sum(name in unit for unit in seen) for one in seen for name in one}
    # a unit ends where it is full, so at most one repository goes on in the next
    assert units.pop("acme/r0") in {2, 3}
    assert sum(units.values()) <= len(units) + 3


def test_an_interrupted_run_goes_on_where_it_stopped(served: Served, tmp_path: Path) -> None:
    whole = retrieve(tmp_path / "whole", served.url, served.rows, 16)
    source = write_dataset(tmp_path / "in", FILTERED_COMMITS, served.rows, 16)
    config = remote_config(served.url)
    units: list[str] = []

    def work(context: Context[RetrieveContentsConfig], unit: str, output: UnitOutput) -> None:
        units.append(unit)
        if len(units) == 3:
            raise KeyboardInterrupt
        STAGE.work(context, unit, output)

    stage = dataclasses.replace(STAGE, work=work)
    output = str(tmp_path / "out")
    with pytest.raises(KeyboardInterrupt):
        run_stage(stage, config, {"commits": source}, output)
    assert run_stage(stage, config, {"commits": source}, output).manifest.content_digest == whole.digest
    assert units == ["00000", "00001", "00002", "00002", "00003"]


def test_few_repositories_are_on_the_disk_at_a_time(served: Served, tmp_path: Path) -> None:
    transport = Transport(remote=RemoteTemplate.parse(served.url))
    limits = FetchLimits(max_bytes=10**6, seconds=60.0)
    folder = tmp_path / "fetched"
    folder.mkdir()
    fetcher = Fetcher(transport, limits, folder, connections=1, pause=0.0, patience=Patience(seconds=0.0))
    blobs = frozenset({served.rows[0]["old_blob"]})
    groups = [Group(repo="acme/r0", blobs=blobs, commits=frozenset()) for _ in range(6)]
    with fetcher.opened():
        there = [len(list(folder.iterdir())) for _ in fetcher.fetch(groups)]
    assert max(there) <= 2
    assert list(folder.iterdir()) == []


def test_pauses_grow_and_depend_on_the_repository_alone(served: Served, tmp_path: Path) -> None:
    def pauses(folder: Path) -> list[float]:
        slept: list[float] = []
        now = 0.0

        def sleep(seconds: float) -> None:
            nonlocal now
            slept.append(seconds)
            now += seconds

        patience = Patience(seconds=20.0, clock=lambda: now, sleep=sleep)

        def work(context: Context[RetrieveContentsConfig], unit: str, output: UnitOutput) -> None:
            remote.work(context, unit, output, patience)

        source = write_dataset(folder / "in", FILTERED_COMMITS, served.rows[:1])
        with GitHttpServer(served.root) as server:
            server.faults["acme/r0"].append(status(503))
            config = remote_config(server.url)
            stage = dataclasses.replace(STAGE, work=work)
            with pytest.raises(TransientError, match="does not answer"):
                run_stage(stage, config, {"commits": source}, str(folder / "out"))
            assert len(server.requests) == len(slept) + 1
        return slept

    first = pauses(tmp_path / "first")
    assert first == pauses(tmp_path / "second")
    assert len(first) >= 4
    assert sum(first) <= 20.0
    assert max(first) > 2.0


def test_no_rows_give_no_rows(served: Served, tmp_path: Path) -> None:
    assert retrieve(tmp_path / "run", served.url, []).manifest.rows == 0


def test_progress_tells_commits_and_their_speed(served: Served, tmp_path: Path) -> None:
    said = io.StringIO()
    progress = Progress("retrieve", stream=said, every_seconds=0.0)
    source = write_dataset(tmp_path / "in", FILTERED_COMMITS, served.rows)
    config = remote_config(served.url)
    run_stage(STAGE, config, {"commits": source}, str(tmp_path / "out"), progress=progress)
    assert re.search(r"4 of 6 commits of unit 0000\d, \d+ a second", said.getvalue())
