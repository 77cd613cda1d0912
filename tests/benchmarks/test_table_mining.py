"""CPU seconds of mining two million commits in tables, against the published query, both in DuckDB.

What: the query of `dataset.mine_commits` under the published rules, from parquet tables to the rows that it keeps, as
one parquet file. Against: the published logic (joins first, then groups by the text of the message), likewise. Both are
written for BigQuery and translated by sqlglot, take all the memory that they want, and run in turn, each in a process
of its own. Beside them what ours does more: bots and reverts are left out, every commit that is dropped has a reason,
and all rows are dealt over shards in a memory of 1 GB. Afterwards the whole stage runs: at once, killed and run again,
and with a single shard.

How to read it: the two do not find the same rows, because the published query lets commits of several files pass, once
for each file and licence; ours must be a part of it, but for messages that only differ by trimming. "ours / x" below 1
is how much less ours takes. Peak memory is that of the process.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from tests.benchmarks.commit_tables import write_tables
from tests.benchmarks.measure import ROOT
from tests.benchmarks.report import Report, Table, at_most
from themis_common.datasets.reader import DatasetReader
from themis_common.schemas import COMMITS

pytestmark = pytest.mark.slow

COMMITS_IN_TABLES = 2_000_000
MEMORY_MB = 1024
REPETITIONS = 2

_MEASURED = f"""
import json, resource, sys, time
from dataclasses import replace
from pathlib import Path
what, tables, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
from components.dataset.mine_commits import shards
from components.dataset.mine_commits.stage import STAGE, MineCommitsConfig
from tests.benchmarks.published_mining import mine_as_published, mine_kept
from themis_common.stages import plan_units, run_stage
config = MineCommitsConfig(
    source="duckdb", tables=str(tables), licenses="published-12", memory_mb={MEMORY_MB}
)
cpu, wall = time.process_time(), time.perf_counter()
if what == "published":
    mine_as_published(tables, target)
elif what == "same rules":
    mine_kept(replace(config, drop_bots=False, drop_reverts=False), tables, target)
elif what == "kept":
    mine_kept(config, tables, target)
elif what == "query":
    plan_units(STAGE, config, {{}}, str(target))
else:
    if what == "single":
        shards.COMMITS_PER_SHARD = 10**9
    run_stage(STAGE, config, {{}}, str(target))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall, peak]))
"""


def command(what: str, tables: Path, target: Path) -> list[str]:
    return [sys.executable, "-c", _MEASURED, what, str(tables), str(target)]


def measured(what: str, tables: Path, target: Path) -> Sequence[float]:
    """CPU seconds, wall seconds and peak MB of one case in a new process."""
    done = subprocess.run(command(what, tables, target), cwd=ROOT, capture_output=True, text=True, check=True)
    return [float(value) for value in json.loads(done.stdout.splitlines()[-1])]


def best(samples: Sequence[Sequence[float]]) -> Sequence[float]:
    """The sample with the fewest CPU seconds."""
    return min(samples, key=lambda sample: sample[0])


def killed_once(tables: Path, target: Path) -> Sequence[float]:
    """What the stage takes that goes on after it was killed with two shards done."""
    process = subprocess.Popen(command("stage", tables, target), cwd=ROOT, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(target.glob("_units/*.json"))) < 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() != 0
    assert not (target / "manifest.json").exists()
    return measured("stage", tables, target)


def test_mining_tables(report: Report, tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    write_tables(tables, commits=COMMITS_IN_TABLES, seed=3)
    turns = [
        (
            measured("published", tables, tmp_path / "published.parquet"),
            measured("same rules", tables, tmp_path / "same.parquet"),
            measured("kept", tables, tmp_path / "kept.parquet"),
            measured("query", tables, tmp_path / f"planned{turn}"),
        )
        for turn in range(REPETITIONS)
    ]
    published, same, kept, query = (best(samples) for samples in zip(*turns, strict=True))
    samples = {
        "published query": published,
        "our query, the published rules": same,
        "our query, also without bots and reverts": kept,
        "the same with reasons, over shards, in 1 GB": query,
        "our stage, with its query": measured("stage", tables, tmp_path / "mined"),
        "killed with 2 shards done: the rest": killed_once(tables, tmp_path / "killed"),
        "our stage with one shard": measured("single", tables, tmp_path / "single"),
    }
    whole, killed, single = (
        DatasetReader(str(tmp_path / name), COMMITS) for name in ("mined", "killed", "single")
    )
    assert killed.manifest.to_json() == whole.manifest.to_json()
    assert (len(whole.shards), len(single.shards)) == (16, 1)
    assert single.digest == whole.digest
    assert single.manifest.counts == whole.manifest.counts
    assert whole.manifest.counts.keys_in == COMMITS_IN_TABLES

    with duckdb.connect() as connection:
        connection.read_parquet(str(tmp_path / "mined" / "data" / "*.parquet")).create_view("ours")
        connection.read_parquet(str(tmp_path / "published.parquet")).create_view("published")
        connection.read_parquet(str(tmp_path / "kept.parquet")).create_view("kept")
        count = "SELECT COUNT(*), COUNT(DISTINCT commit) FROM {}"
        rows = {
            name: connection.execute(count.format(name)).fetchone() for name in ("ours", "published", "kept")
        }
        lost = connection.execute("SELECT COUNT(*) FROM ours ANTI JOIN published USING (commit)").fetchone()
    assert rows["ours"] is not None
    assert rows["ours"][0] == rows["ours"][1] > COMMITS_IN_TABLES / 20
    assert lost == (0,)
    assert rows["kept"] == rows["ours"]

    ratio = same[0] / published[0]
    report.add(
        Table(
            title=f"Mining tables of {COMMITS_IN_TABLES:,} commits",
            columns=("method", "CPU s", "wall s", "peak MB", "CPU: ours / x", "rows / commits"),
            rows=[
                (
                    name,
                    f"{cpu:.1f}",
                    f"{wall:.1f}",
                    f"{peak:,.0f}",
                    f"{cpu / published[0]:.2f}",
                    "{:,} / {:,}".format(*rows["published" if name == "published query" else "ours"]),
                )
                for name, (cpu, wall, peak) in samples.items()
            ],
            notes=[f"CPU seconds of our query / the published one: {at_most(ratio, 0.1)}"],
        )
    )
    assert ratio < 0.25
    assert max(query[2], samples["our stage, with its query"][2]) < 2 * MEMORY_MB
