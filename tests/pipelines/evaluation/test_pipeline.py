"""The evaluation pipeline over its groups of cells: a baseline and an imported run, each in its own loop."""

import json
import shutil
from pathlib import Path
from typing import Any

from tests.components.evaluation.builders import ROWS, publish_folder, write_parquet
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


def summary_of(run: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((run / "report" / "summary.json").read_text())
    return summary


def cached_cells(run: Path) -> dict[str, bool]:
    records = [json.loads(file.read_text()) for file in (run / "tasks").glob("score_benchmark.*.json")]
    return {record["task"].partition(".")[2]: record["cached"] for record in records}


def test_a_broken_model_costs_its_own_cell_only_and_mended_only_that_is_scored(
    tmp_path: Path, classifier_folder: Path, classifier_dataset: str
) -> None:
    folder = tmp_path / "broken"
    shutil.copytree(classifier_folder, folder)
    weights = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(weights.replace(b"model.norm.weight", b"model.norm.height"))
    broken = publish_folder(folder, tmp_path / "published")
    benchmark, output = write_parquet(tmp_path / "bench.parquet", ROWS), tmp_path / "out"

    def run(model: str) -> tuple[int, str]:
        cells = [
            {"id": "broken", "architecture": "seqcls", "model": model},
            {"id": "good", "architecture": "seqcls", "model": classifier_dataset},
            {"id": "longer", "architecture": "longer-response"},
        ]
        settings = ("--set", f"benchmark={benchmark}", "--set", f"plan_cells.cells={json.dumps(cells)}")
        done = themis("run", "evaluation", *settings, "--output", str(output))
        return done.returncode, done.stderr

    code, said = run(broken)
    reason = "tensor model.norm.weight is missing"
    assert code == 2, said
    report, cell, gate = said.splitlines()[-3:]
    assert report == f"report: {output / 'report/index.html'}"
    assert cell.startswith("error: score_benchmark[broken]: ")
    assert reason in cell
    assert gate.startswith("error: cells without scores: broken; ")
    assert cached_cells(output) == {"good": False, "longer": False}
    rows = {row["cell"]: row for row in summary_of(output)["leaderboard"]["rows"]}
    assert rows["good"]["overall"]["pairs"] == rows["longer"]["overall"]["pairs"] == len(ROWS)
    assert rows["broken"]["overall"] is None
    assert reason in rows["broken"]["failure"]
    assert reason in (output / "report" / "index.html").read_text()

    code, said = run(classifier_dataset)
    assert code == 0, said
    assert cached_cells(output) == {"broken": False, "good": True, "longer": True}
    summary = summary_of(output)
    assert all(row["overall"] for row in summary["leaderboard"]["rows"])
    reused = [stage for stage in summary["reused"] if "score_benchmark" in stage]
    assert reused == ["evaluation.score_benchmark (good)", "evaluation.score_benchmark (longer)"]
    assert all(summary["seconds"][stage] > 0 for stage in reused)
