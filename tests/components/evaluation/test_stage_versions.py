"""Outputs of the evaluation stages on fixed inputs: a change of bytes must come with a new stage version.

Model scores are left out, because their last bits belong to the machine.
"""

from pathlib import Path

from components.evaluation.import_benchmark import stage as import_benchmark
from components.evaluation.plan_cells import stage as plan_cells
from components.evaluation.score_benchmark import stage as score_benchmark
from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.summarise import stage as summarise
from tests.components.evaluation.builders import import_rows
from themis_common.datasets.reader import DatasetReader
from themis_common.schemas import BENCHMARK
from themis_common.stages import run_stage


def test_outputs_are_those_of_the_declared_versions(tmp_path: Path) -> None:
    benchmark = import_rows(tmp_path / "imported")
    cell = plan_cells.Cell(id="length", architecture="longer-response")
    cells = run_stage(
        plan_cells.STAGE, plan_cells.PlanCellsConfig(cells=(cell,)), {}, str(tmp_path / "cells")
    )
    config = ScoreBenchmarkConfig(cell="length", architecture="longer-response", prompt_mode="none")
    scores = run_stage(score_benchmark.STAGE, config, {"benchmark": benchmark}, str(tmp_path / "scores"))
    inputs = {"cells": cells.uri, "benchmark": benchmark, "scores/length": scores.uri}
    results = run_stage(summarise.STAGE, summarise.SummariseConfig(), inputs, str(tmp_path / "results"))
    found = [
        (import_benchmark.STAGE.version, DatasetReader(benchmark, BENCHMARK).digest[:16]),
        (plan_cells.STAGE.version, cells.manifest.content_digest[:16]),
        (score_benchmark.STAGE.version, scores.manifest.content_digest[:16]),
        (summarise.STAGE.version, results.manifest.content_digest[:16]),
    ]
    assert found == [
        (1, "004891635c844144"),
        (3, "2dd75ee31964e72f"),
        (4, "a8972e19ddaea6a5"),
        (4, "1b71b59fb8d0a99c"),
    ]
