"""The demo as a new user runs it: complete, reproducible, and indifferent to being killed."""

import json
import random
from pathlib import Path

import pytest

from tests.e2e.runs import DEMO, digests, shard_times, themis, themis_killed_after

KILLS = 20


def test_the_demo_leaves_a_page_and_a_summary(demo: Path) -> None:
    page = (demo / "report/index.html").read_text()
    summary = json.loads((demo / "report/summary.json").read_text())
    assert {"funnel", "training", "leaderboard", "seconds"} <= summary.keys()
    for stage in summary["funnel"]:
        assert stage["stage"].rpartition(".")[2] in page
    cells = {row["cell"] for row in summary["leaderboard"]["rows"]}
    assert cells == {"trained", "untrained", "longer-response"}


def test_every_row_is_accounted_for(demo: Path) -> None:
    manifests = [json.loads(file.read_text()) for file in (demo / "store").rglob("manifest.json")]
    assert len(manifests) > 15
    for manifest in manifests:
        counts = manifest["counts"]
        assert counts["keys_in"] == counts["emitted"] + sum(counts["dropped"].values()), manifest["stage"]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes(demo: Path, tmp_path: Path) -> None:
    done = themis(*DEMO, str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    assert digests(tmp_path / "run") == digests(demo)
    shards = sorted(file.relative_to(demo) for file in (demo / "store").rglob("*.parquet"))
    different = [
        name for name in shards if (demo / name).read_bytes() != (tmp_path / "run" / name).read_bytes()
    ]
    assert different == []


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_where_it_stopped(demo: Path, tmp_path: Path) -> None:
    moments = random.Random(20)
    kills = 0
    for number in range(KILLS):
        folder = tmp_path / f"run{number}"
        kills += kill_until_done(folder, moments, KILLS - kills)
        done = themis(*DEMO, str(folder))
        assert done.returncode == 0, done.stderr
        assert digests(folder) == digests(demo)
        if kills == KILLS:
            return
    raise AssertionError(f"only {kills} kills in {KILLS} runs: the moments are too far apart")


def kill_until_done(folder: Path, moments: random.Random, most: int) -> int:
    """Kill runs in the same folder until one gets to its end or `most` are killed; how many were."""
    finished: dict[Path, int] = {}
    for kills in range(most):
        if not themis_killed_after(moments.uniform(1.0, 8.0), *DEMO, str(folder)):
            return kills
        now = shard_times(folder)
        touched = [shard for shard, time in finished.items() if now.get(shard) != time]
        assert touched == [], f"finished shards were written again after kill {kills + 1}"
        finished = now
    return most
