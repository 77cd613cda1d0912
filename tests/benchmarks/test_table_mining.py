"""CPU seconds of mining two million commits in tables, against the published query, both in DuckDB.

What: the query of `dataset.mine_commits` from parquet tables to its result as parquet, with a reason for every commit
that is dropped. Against: the published logic (joins first, then groups by the text of the message), from the same
tables to parquet. Afterwards the whole stage runs once, for its seconds and its memory.

How to read it: the two do not find the same rows, because the published query lets commits of several files pass, once
for each file and licence; ours must be a part of it, but for messages that only differ by trimming. "ours / x" below 1
is how much less ours takes. Peak memory is that of a process of its own.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from tests.benchmarks.commit_tables import write_tables
from tests.benchmarks.measure import ROOT
from tests.benchmarks.report import Report, Table, at_most

pytestmark = pytest.mark.slow

COMMITS_IN_TABLES = 2_000_000

_MEASURED = """
import json, resource, sys, time
from pathlib import Path
what, tables, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
from components.dataset.mine_commits.stage import STAGE, MineCommitsConfig
from tests.benchmarks.published_mining import mine_as_published
from themis_common.stages import plan_units, run_stage
config = MineCommitsConfig(source="duckdb", tables=str(tables), licenses="published-12", memory_mb=1024)
cpu, wall = time.process_time(), time.perf_counter()
if what == "published":
    mine_as_published(tables, target)
elif what == "query":
    plan_units(STAGE, config, {}, str(target))
else:
    run_stage(STAGE, config, {}, str(target))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([time.process_time() - cpu, time.perf_counter() - wall, peak]))
"""


def measured(what: str, tables: Path, target: Path) -> Sequence[float]:
    """CPU seconds, wall seconds and peak MB of one case in a new process."""
    command = [sys.executable, "-c", _MEASURED, what, str(tables), str(target)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [float(value) for value in json.loads(done.stdout.splitlines()[-1])]


def test_mining_tables(report: Report, tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    write_tables(tables, commits=COMMITS_IN_TABLES, seed=3)
    samples = {
        "published query": measured("published", tables, tmp_path / "published.parquet"),
        "our query": measured("query", tables, tmp_path / "planned"),
        "our stage, with its query": measured("stage", tables, tmp_path / "mined"),
    }
    with duckdb.connect() as connection:
        ours = connection.read_parquet(str(tmp_path / "mined" / "data" / "*.parquet"))
        published = connection.read_parquet(str(tmp_path / "published.parquet"))
        ours.create_view("ours")
        published.create_view("published")
        query = "SELECT COUNT(*), COUNT(DISTINCT commit) FROM {}"
        rows = {name: connection.execute(query.format(name)).fetchone() for name in ("ours", "published")}
        lost = connection.execute("SELECT COUNT(*) FROM ours ANTI JOIN published USING (commit)").fetchone()
    assert rows["ours"] is not None
    assert rows["ours"][0] == rows["ours"][1] > COMMITS_IN_TABLES / 20
    assert lost == (0,)

    theirs = samples["published query"]
    ratio = samples["our query"][0] / theirs[0]
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
                    f"{cpu / theirs[0]:.2f}",
                    "{:,} / {:,}".format(*rows["published" if name == "published query" else "ours"]),
                )
                for name, (cpu, wall, peak) in samples.items()
            ],
            notes=[f"CPU seconds of our query / the published one: {at_most(ratio, 0.1)}"],
        )
    )
    assert ratio < 0.7
