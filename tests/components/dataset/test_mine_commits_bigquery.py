"""Mining BigQuery with Google's client against an emulator that runs the query: what it costs, and what it gives."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.dataset.mine_commits.bigquery_options import BigQueryOptions
from components.dataset.mine_commits.stage import STAGE, MineCommitsConfig
from tests.components.dataset.test_mine_commits_tables import GOOD, MESSAGES, STRUCTURES
from tests.fixtures.bigquery_emulator import BigQueryEmulator
from tests.fixtures.commit_tables import CommitTables
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import COMMITS
from themis_common.sql import warehouse as bigquery
from themis_common.sql.warehouse_errors import policy
from themis_common.stages import run_stage

GIB = 1 << 30


def planted() -> CommitTables:
    """Tables with forks, licences, and commits of every fate."""
    made = CommitTables()
    made.repository("acme/shop")
    made.repository("bob/fork", licenses=["apache-2.0", "isc"])
    made.repository("zed/fork", licenses=["gpl-3.0"])
    for _, values in STRUCTURES:
        made.commit(GOOD, **values)
    for message in MESSAGES:
        made.commit(message, repo_name=["zed/fork", "bob/fork", "acme/shop"])
    return made


@pytest.fixture
def emulator(monkeypatch: pytest.MonkeyPatch) -> Iterator[BigQueryEmulator]:
    """The emulator that BigQuery and `gs://` lead to, with the planted tables and a bucket named `bucket`."""
    with BigQueryEmulator(planted().tables()) as server:
        server.buckets.create("bucket")
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", server.endpoint)
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.endpoint)
        monkeypatch.setattr(bigquery, "policy", lambda: policy(first_delay=0.001, deadline=5.0))
        yield server


def config(**options: Any) -> MineCommitsConfig:
    values = {"destination": "acme-mining.results", "maximum_bytes_billed": GIB, **options}
    return MineCommitsConfig(source="bigquery", licenses="published-12", bigquery=BigQueryOptions(**values))


def mine(output: object, **options: Any) -> DatasetReader:
    return DatasetReader(run_stage(STAGE, config(**options), {}, str(output)).uri, COMMITS)


def refused(output: object, **options: Any) -> str:
    with pytest.raises(UserError) as error:
        mine(output, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def from_duckdb(folder: Path) -> DatasetReader:
    tables = planted().write_parquet(folder / "tables")
    found = MineCommitsConfig(source="duckdb", tables=str(tables), licenses="published-12")
    return DatasetReader(run_stage(STAGE, found, {}, str(folder / "duckdb")).uri, COMMITS)


def equal(one: DatasetReader, other: DatasetReader) -> bool:
    return one.manifest.tables == other.manifest.tables and one.manifest.counts == other.manifest.counts


def test_it_gives_the_rows_of_duckdb_read_page_by_page(emulator: BigQueryEmulator, tmp_path: Path) -> None:
    dataset = mine(tmp_path / "out")
    assert dataset.manifest.rows >= 5
    assert equal(dataset, from_duckdb(tmp_path))
    assert len(emulator.started()) == 1
    assert emulator.started("extract") == []


def test_it_gives_the_rows_of_duckdb_exported_to_a_bucket(emulator: BigQueryEmulator, tmp_path: Path) -> None:
    made = planted()
    made.commits *= 3
    for number, commit in enumerate(made.commits):
        made.commits[number] = {**commit, "commit": f"{number:040x}"}
    emulator.warehouse.tables["bigquery-public-data.github_repos.commits"].rows = made.tables()["commits"]
    exported = mine("gs://bucket/run")
    assert len(emulator.started("extract")) == 1
    assert sum("export/part-" in name for name in emulator.buckets.names("bucket")) > 1
    assert exported.digest == mine(tmp_path / "paged").digest


def test_the_price_is_told_before_the_job_starts(
    emulator: BigQueryEmulator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine(tmp_path / "out", maximum_bytes_billed=1 << 40, dollars_per_tib=5.0)
    (told,) = (line for line in capsys.readouterr().err.splitlines() if "the query scans" in line)
    assert "MiB (0.00 dollars)" in told
    assert "maximum_bytes_billed allows 1.000 TiB (5.00 dollars)" in told
    posts = [request for request in emulator.requests if request.method == "POST"]
    assert len(posts) == 2
    (job,) = emulator.warehouse.jobs.values()
    assert job.resource["configuration"]["query"]["maximumBytesBilled"] == str(1 << 40)
    assert job.resource["configuration"]["labels"] == {"application": "themis"}
    assert posts[0].headers["user-agent"].startswith("themis/")


def test_only_columns_that_are_needed_are_paid_for(emulator: BigQueryEmulator, tmp_path: Path) -> None:
    mine(tmp_path / "out")
    (job,) = emulator.warehouse.jobs.values()
    commits = emulator.warehouse.tables["bigquery-public-data.github_repos.commits"].rows
    billed = int(job.resource["statistics"]["query"]["totalBytesBilled"])
    assert commits.drop_columns(["tree", "subject", "encoding"]).nbytes <= billed < commits.nbytes


def test_a_query_over_the_cap_is_not_started(emulator: BigQueryEmulator, tmp_path: Path) -> None:
    told = refused(tmp_path / "out", maximum_bytes_billed=1000)
    assert "bigquery.maximum_bytes_billed is 1,000" in told
    assert "was not started" in told
    assert emulator.warehouse.jobs == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"destination": "acme-mining.results"}, "maximum_bytes_billed is not set"),
        ({"maximum_bytes_billed": GIB}, "destination must be PROJECT.DATASET, found ''"),
        ({"maximum_bytes_billed": GIB, "destination": "x`; DROP TABLE t; --"}, "destination must be"),
        (
            {"maximum_bytes_billed": GIB, "destination": "acme-mining.r", "dataset": "a b.c"},
            "dataset must be",
        ),
        ({"maximum_bytes_billed": GIB, "destination": "acme-mining.r", "project": "-"}, "a project id"),
        ({"maximum_bytes_billed": GIB, "destination": "acme-mining.r", "location": "E U"}, "a location"),
        ({"maximum_bytes_billed": GIB, "destination": "acme-mining.r", "expire_hours": 0}, "at least 1"),
        ({"maximum_bytes_billed": GIB, "destination": "acme-mining.r", "dollars_per_tib": -1.0}, "negative"),
    ],
)
def test_wrong_options_are_named_before_anything_runs(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config(MineCommitsConfig, {"source": "bigquery", "bigquery": options}, where="mine_commits")


def test_the_result_expires(emulator: BigQueryEmulator, tmp_path: Path) -> None:
    before = time.time()
    mine(tmp_path / "out", expire_hours=2)
    (table,) = (table for name, table in emulator.warehouse.tables.items() if "themis_mined" in name)
    assert table.expires is not None
    assert before + 7200 <= int(table.expires) / 1000 <= time.time() + 7200


def test_another_run_of_the_same_query_pays_nothing(emulator: BigQueryEmulator, tmp_path: Path) -> None:
    first = mine(tmp_path / "one")
    assert equal(first, mine(tmp_path / "two", maximum_bytes_billed=1))
    assert len(emulator.started()) == 1


def test_changed_tables_are_another_query(emulator: BigQueryEmulator, tmp_path: Path) -> None:
    first = mine(tmp_path / "one")
    emulator.warehouse.tables["bigquery-public-data.github_repos.commits"].modified += 1
    second = mine(tmp_path / "two")
    assert first.manifest.inputs != second.manifest.inputs
    assert first.digest == second.digest
    assert len(emulator.started()) == 2


def test_a_killed_run_adopts_its_job(emulator: BigQueryEmulator, tmp_path: Path) -> None:
    emulator.warehouse.looks_until_done = 10**9
    script = (
        "from tests.components.dataset.test_mine_commits_bigquery import mine; import sys; mine(sys.argv[1])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "out")], env=environment)
    deadline = time.monotonic() + 60
    while not emulator.started() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (job,) = emulator.warehouse.jobs.values()
    job.looks_until_done = 0
    assert equal(mine(tmp_path / "out"), from_duckdb(tmp_path))
    assert len(emulator.started()) == 1


def test_wrong_rights_and_names_cost_one_line(emulator: BigQueryEmulator, tmp_path: Path) -> None:
    told = refused(tmp_path / "out", dataset="acme-mining.github_repos")
    assert "cannot look at the table acme-mining.github_repos.commits (404 Not found: Table" in told
    told = refused(tmp_path / "out", destination="acme-mining.gone")
    assert "Not found: Dataset acme-mining.gone" in told
    emulator.warehouse.denied.add("acme-payer")
    told = refused(tmp_path / "out", project="acme-payer")
    assert "in project acme-payer (403 Access Denied" in told
    assert "roles/bigquery.jobUser" in told
    rows = emulator.warehouse.tables["bigquery-public-data.github_repos.commits"].rows
    emulator.warehouse.tables["bigquery-public-data.github_repos.commits"].rows = rows.drop_columns(
        ["parent"]
    )
    assert "refused it (400" in refused(tmp_path / "out")


def test_without_credentials_one_line_says_how_to_log_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BIGQUERY_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    assert "gcloud auth application-default login" in refused(tmp_path / "out")
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "localhost:9050")
    assert "write it as http://HOST:PORT" in refused(tmp_path / "out")
