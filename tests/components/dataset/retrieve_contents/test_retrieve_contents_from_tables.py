"""From tables to contents: commits mined with a query, filtered, and fetched from a server."""

from pathlib import Path
from typing import TypeVar

from components.dataset.filter_commits.stage import STAGE as FILTER
from components.dataset.mine_commits.config import MineCommitsConfig
from components.dataset.mine_commits.stage import STAGE as MINE
from components.dataset.retrieve_contents.stage import STAGE as RETRIEVE
from tests.components.dataset.retrieve_contents.served import Served, fates, remote_config
from tests.fixtures.commit_tables import CommitTables, difference
from tests.fixtures.git_repositories import run_git
from themis_common.datasets.reader import DatasetReader
from themis_common.hashing import row_key
from themis_common.schemas import CHANGES
from themis_common.stages import run_stage
from themis_common.stages.stage import Stage

C = TypeVar("C")


def plant(served: Served, tables: CommitTables, repos: list[str], path: str = "src/a.py") -> list[str]:
    """Tell in the tables of the commits that the first of `repos` holds; returns their ids."""
    return [
        tables.commit(
            commit=row["commit"],
            difference=[difference(path, old_sha1=row["old_blob"], new_sha1=row["new_blob"])],
            repo_name=repos,
        )
        for row in served.repository(repos[0], versions=4)
    ]


def test_commits_of_tables_get_their_contents_from_a_server(tmp_path: Path) -> None:
    served, tables = Served(tmp_path / "served"), CommitTables()
    for name in ("acme/shop", "acme/tool", "z/fork", "a/gone", "acme/docs"):
        tables.repository(name)
    shop = plant(served, tables, ["acme/shop"])
    # a fork lives on where its origin has vanished
    tool = plant(served, tables, ["acme/tool", "z/fork", "a/gone"])
    run_git("clone", "--quiet", "--bare", str(served.root / "acme/tool.git"), str(served.root / "z/fork.git"))
    (served.root / "acme/tool.git").rename(tmp_path / "vanished")
    docs = plant(served, tables, ["acme/docs"], "README.rst")
    tables.commit(repo_name=["a/gone"], difference=[difference("lost.py")])

    def run(stage: Stage[C], config: C, **inputs: str) -> str:
        return run_stage(stage, config, inputs, str(tmp_path / stage.name)).uri

    source = str(tables.write_parquet(tmp_path / "tables"))
    mined = run(MINE, MineCommitsConfig(source="duckdb", tables=source))
    filtered = run(FILTER, FILTER.config(), commits=mined)
    retrieved = DatasetReader(run(RETRIEVE, remote_config(served.url), commits=filtered), CHANGES)
    found = fates(retrieved)
    assert {found.pop(row_key(commit)) for commit in shop} == {"acme/shop"}
    assert {found.pop(row_key(commit)) for commit in tool} == {"z/fork"}
    assert not found.keys() & {row_key(commit) for commit in docs}
    assert list(found.values()) == ["repo_gone"]
