"""CPU seconds of the language and allowlist filter, against Python loops over rows.

What: deciding about a million commits by extension and by 350,000 listed repositories, and cutting the table down to
those that stay, columns in, columns out. Against: the published way, a function of one row as a dictionary (path to
extension to language, repositories looked up in a set), which gets all columns as row-wise filters do; and the tightest
Python loop, over lists of the two columns that matter. Both loops have their sets and maps made beforehand; we hash the
list within the time.

How to read it: all three keep the same rows, which is asserted; "x / ours" is how many times longer the loop takes.
The second table is the whole stage, with parquet on both sides, digests, the rejected table and accounting, in a
process of its own: no rival, but what two million commits cost, and in how much memory.
"""

import hashlib
import json
import posixpath
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.dataset.filter_commits.extensions import LanguageMap
from components.dataset.filter_commits.verdicts import CommitFilter
from tests.benchmarks.measure import ROOT, interleaved, timed
from tests.benchmarks.report import Report, Table, at_least
from themis_common.datasets import manifest
from themis_common.schemas import COMMITS

pytestmark = pytest.mark.slow

ROWS, STAGE_ROWS = 1_000_000, 2_000_000
REPOSITORIES, LISTED = 40_000, 350_000
EXTENSIONS = [
    *[".js"] * 6, *[".py", ".java"] * 4, *[".md", ".json", ".html", ".c", ".h", ".cpp", ".go", ".rb", ".cs"] * 2,
    ".txt", ".yml", ".ts", ".php", ".css", ".xml", ".rs", ".R", ".hpp", ".JAVA", "", ".sh", ".scala", ".lock",
]  # fmt: skip


def commits(rows: int, seed: int) -> tuple[pa.Table, list[str]]:
    """Commits of repositories of which half are listed, and the list."""
    draw = random.Random(seed)
    listed = [f"owner{number % 90_000}/project-{number}" for number in range(LISTED)]
    repositories = [
        *draw.sample(listed, REPOSITORIES // 2),
        *(f"somebody{number}/fork-{number}" for number in range(REPOSITORIES // 2)),
    ]
    shas = [f"{draw.getrandbits(160):040x}" for _ in range(rows)]
    texts = [
        f"Fix the {draw.choice(['parser', 'cache', 'login'])} of issue {number}" for number in range(rows)
    ]
    columns: dict[str, list[Any]] = {
        "row_key": [sha[:32] for sha in shas],
        "commit": shas,
        "parent": shas,
        "repos": [draw.sample(repositories, 1 if draw.random() < 0.85 else 3) for _ in range(rows)],
        "licenses": [["mit"]] * rows,
        "subject": texts,
        "message": [
            f"{text}\n\nIt was wrong since {sha[:8]}." for text, sha in zip(texts, shas, strict=True)
        ],
        "path": [
            f"src/module{draw.randrange(50)}/part{draw.randrange(900)}{draw.choice(EXTENSIONS)}"
            for _ in range(rows)
        ],
        "old_blob": shas,
        "new_blob": shas,
        "unix_time": [1_500_000_000 + number for number in range(rows)],
    }
    return pa.table(columns, schema=COMMITS.columns), listed


def write_dataset(folder: Path, shards: int, rows: int) -> list[str]:
    """A finished dataset of so many shards, of `rows` commits each; returns the allowlist.

    Without the content digest, which would take longer than all that is measured.
    """
    written, listed = [], []
    (folder / "data").mkdir(parents=True)
    for number in range(shards):
        table, listed = commits(rows, seed=number)
        file = folder / "data" / f"{number:05d}.parquet"
        pq.write_table(table, file, compression="zstd")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        written.append(
            manifest.Shard(name=f"data/{file.name}", rows=rows, bytes=file.stat().st_size, sha256=digest)
        )
    data = manifest.Table(
        schema=COMMITS.name, schema_version=COMMITS.version, content_digest="0" * 64, shards=tuple(written)
    )
    facts = manifest.Manifest(
        stage="tests.commits",
        stage_version=1,
        config={},
        config_hash="",
        inputs={},
        counts=manifest.Counts(),
        tables={manifest.DATA: data},
    )
    (folder / manifest.MANIFEST).write_bytes(facts.to_json())
    return listed


_STAGE = """
import json, resource, sys, time
from components.dataset.filter_commits.stage import STAGE, FilterCommitsConfig
from themis_common.stages import run_stage
source, allowlist, target = sys.argv[1:]
cpu = time.process_time()
report = run_stage(STAGE, FilterCommitsConfig(allowlists=(allowlist,)), {"commits": source}, target)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([time.process_time() - cpu, peak, report.manifest.rows, report.manifest.counts.keys_in]))
"""


def test_filtering_stage(report: Report, tmp_path: Path) -> None:
    shards = 10
    listed = write_dataset(tmp_path / "in", shards, STAGE_ROWS // shards)
    allowlist = tmp_path / "listed.json"
    allowlist.write_text(json.dumps(listed))
    command = [sys.executable, "-c", _STAGE, str(tmp_path / "in"), str(allowlist), str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    cpu, peak, rows, keys = json.loads(done.stdout.splitlines()[-1])
    report.add(
        Table(
            title=f"Filtering: the stage over {STAGE_ROWS:,} commits in {shards} shards, {LISTED:,} names listed",
            columns=("CPU s", "commits / CPU s", "peak MB", "commits kept"),
            rows=[(f"{cpu:.0f}", f"{keys / cpu:,.0f}", f"{peak:,.0f}", f"{rows:,}")],
        )
    )
    assert keys == STAGE_ROWS
    assert STAGE_ROWS * 0.2 < rows < STAGE_ROWS * 0.6
    assert peak < 1500


def languages_by_extension() -> dict[str, str]:
    """The extension map as a dictionary, for the loops; both sides of each extension's case are in it."""
    known = LanguageMap("extended", match_case=False)
    extensions = sorted(set(EXTENSIONS) - {""})
    found = known.languages_of(pa.array([f"a{extension}" for extension in extensions])).to_pylist()
    return {extension: language for extension, language in zip(extensions, found, strict=True) if language}


def test_filtering(report: Report) -> None:
    table, listed = commits(ROWS, seed=3)
    known = LanguageMap("extended", match_case=False)
    wanted = frozenset({"JavaScript", "Python", "Ruby", "Cpp", "C", "Go", "Java", "CSharp"})
    language_of, allowed = languages_by_extension(), frozenset(listed)
    names = pa.array(listed)

    def ours() -> pa.Table:
        rules = CommitFilter(language_map=known, wanted=wanted, allowed=names)
        paths, repos = (table[name].combine_chunks() for name in ("path", "repos"))
        return table.filter(pa.array(rules.judge(paths, repos).kept))

    def keeps(path: str, repos: list[str]) -> bool:
        if language_of.get(posixpath.splitext(path)[1]) not in wanted:
            return False
        return any(repo in allowed for repo in repos)

    def row_by_row() -> pa.Table:
        kept = [
            row
            for batch in table.to_batches(10_000)
            for row in batch.to_pylist()
            if keeps(row["path"], row["repos"])
        ]
        return pa.Table.from_pylist(kept, table.schema)

    def two_columns() -> pa.Table:
        mask = map(keeps, table["path"].to_pylist(), table["repos"].to_pylist())
        return table.filter(pa.array(list(mask)))

    cases = {"ours": ours, "loop over rows": row_by_row, "loop over two columns": two_columns}
    samples = interleaved({name: timed(case) for name, case in cases.items()}, 2)
    kept = samples["ours"].result
    assert ROWS * 0.2 < kept.num_rows < ROWS * 0.6
    assert all(sample.result.equals(kept) for sample in samples.values())

    ratios = {name: sample.cpu / samples["ours"].cpu for name, sample in samples.items()}
    report.add(
        Table(
            title=f"Filtering: {ROWS:,} commits of {REPOSITORIES:,} repositories, {LISTED:,} listed",
            columns=("method", "CPU s", "commits / CPU s", "x / ours"),
            rows=[
                (
                    name,
                    f"{sample.cpu:.2f}",
                    f"{ROWS / sample.cpu:,.0f}",
                    at_least(ratios[name], 10) if name == "loop over rows" else f"{ratios[name]:.1f}",
                )
                for name, sample in samples.items()
            ],
        )
    )
    assert ratios["loop over rows"] > 10
    assert ratios["loop over two columns"] > 1.5
