"""Commits per CPU second of mining a history, against one `git show` for each commit.

What: the whole stage `dataset.mine_commits`, from a repository to a finished dataset with digest, manifest and rejected
table, on a synthetic history of single- and multi-file commits. Against: the plain loop, which starts `git show` for
every commit and looks at what it changed; it only reads and writes nothing. CPU seconds include those of git.

How to read it: both find the same single-file changes, which is asserted; "ours / x" above 1 is how much faster ours
is. The loop runs on a sample of the commits and is counted per commit. The margin is wide, so a part of it is
asserted.
"""

import subprocess
from itertools import count
from pathlib import Path

import pytest

from components.dataset.mine_commits.stage import STAGE, MineCommitsConfig
from tests.benchmarks.git_history import write_history
from tests.benchmarks.measure import interleaved, timed
from tests.benchmarks.report import Report, Table
from themis_common.datasets.reader import DatasetReader
from themis_common.schemas import COMMITS
from themis_common.stages import run_stage

pytestmark = pytest.mark.slow

COMMITS_IN_HISTORY, SAMPLE = 6000, 300
REPETITIONS = 3


def shown_change(repository: Path, sha: str) -> tuple[str, str, str] | None:
    """Path, old and new blob of the commit's only modified file, asked of one git process."""
    command = [
        "git",
        "-C",
        str(repository),
        "show",
        "--raw",
        "--no-renames",
        "--no-abbrev",
        "-z",
        "--format=%B",
        sha,
    ]
    output = subprocess.run(command, capture_output=True, check=True).stdout
    entries = [part for part in output.split(b"\0") if part.lstrip(b"\n").startswith(b":")]
    if len(entries) != 1:
        return None
    path = output.split(b"\0")[-2].decode()
    _, _, old, new, status = entries[0].lstrip(b"\n").decode().split(" ")
    return (path, old, new) if status == "M" else None


def test_mining(report: Report, tmp_path: Path) -> None:
    repository = tmp_path / "project.git"
    shas = write_history(repository, files=200, commits=COMMITS_IN_HISTORY, lines=60, seed=3)
    sample = shas[:: len(shas) // SAMPLE]
    attempts = count()

    def mine() -> dict[str, tuple[str, str, str]]:
        config = MineCommitsConfig(repositories=(str(repository),))
        output = run_stage(STAGE, config, {}, str(tmp_path / f"mined{next(attempts)}")).uri
        rows = DatasetReader(output, COMMITS).rows()
        return {row["commit"]: (row["path"], row["old_blob"], row["new_blob"]) for row in rows}

    def loop() -> dict[str, tuple[str, str, str]]:
        found = {sha: shown_change(repository, sha) for sha in sample}
        return {sha: change for sha, change in found.items() if change}

    samples = interleaved({"ours": timed(mine), "git show for each commit": timed(loop)}, REPETITIONS)
    ours, theirs = samples["ours"], samples["git show for each commit"]
    wanted = {sha: change for sha, change in ours.result.items() if sha in set(sample)}
    assert theirs.result == wanted
    assert len(wanted) > SAMPLE / 2

    counts = {"ours": len(shas) + 1, "git show for each commit": len(sample)}
    rates = {name: counts[name] / sample.cpu for name, sample in samples.items()}
    ratio = rates["ours"] / rates["git show for each commit"]
    report.add(
        Table(
            title=f"Mining: a history of {len(shas) + 1:,} commits, 200 files",
            columns=("method", "commits", "commits / CPU s", "commits / wall s", "ours / x (CPU)"),
            rows=[
                (
                    name,
                    f"{counts[name]:,}",
                    f"{rates[name]:,.0f}",
                    f"{counts[name] / sample.wall:,.0f}",
                    f"{rates['ours'] / rates[name]:.1f}",
                )
                for name, sample in samples.items()
            ],
        )
    )
    assert ratio > 5
