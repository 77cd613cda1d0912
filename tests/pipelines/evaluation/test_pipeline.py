"""The evaluation pipeline over its groups of cells: a baseline and an imported run, each in its own loop."""

import json
from pathlib import Path

from tests.components.evaluation.builders import ROWS, write_parquet
from tests.e2e.runs import themis


def test_groups_meet_in_one_leaderboard_and_finished_cells_are_found_again(tmp_path: Path) -> None:
    benchmark = write_parquet(tmp_path / "bench.parquet", ROWS)
    first = tmp_path / "first"
    baseline = {"id": "longer", "architecture": "longer-response"}
    done = themis(
        *("evaluate", "--architecture", "longer-response"),
        *("--benchmark", str(benchmark), "--output", str(first)),
    )
    assert done.returncode == 0, done.stderr
    cells = json.dumps([baseline, {"id": "again", "scores": str(first / "scores.parquet")}])
    output = tmp_path / "out"
    settings = ("--set", f"benchmark={benchmark}", "--set", f"plan_cells.cells={cells}")
    run = ("run", "evaluation", *settings, "--output", str(output))
    for cached in (False, True):
        done = themis(*run)
        assert done.returncode == 0, done.stderr
        rows = json.loads((output / "report" / "summary.json").read_text())["leaderboard"]["rows"]
        assert {row["cell"]: row["architecture"] for row in rows} == {
            "longer": "longer-response",
            "again": "imported",
        }
        # the same scores, one time computed and one time read
        assert len({row["overall"]["accuracy"] for row in rows}) == 1
        for cell in ("longer", "again"):
            record = json.loads((output / "tasks" / f"score_benchmark.{cell}.json").read_text())
            assert record["cached"] is cached
