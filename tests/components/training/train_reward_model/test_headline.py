"""The numbers that the Kubeflow UI shows beside a training task."""

from pathlib import Path
from typing import Any

from components.training.train_reward_model.headline import last_metrics
from themis_common.config import NoConfig
from themis_common.hashing import row_key
from themis_common.schemas import MODEL_FILES, TRAINING_METRICS
from themis_common.stages import Context, Stage, UnitOutput, run_stage
from themis_common.stages.stage import plan_whole
from themis_common.stages.task import DatasetRef, hand_on

METRICS = [
    (20, "loss/total", "all", 0.41239),
    (10, "loss/total", "all", 0.7),
    (10, "held_out/accuracy", "all", 0.5),
    (20, "held_out/accuracy", "all", 0.75),
    (20, "held_out/lm", "all", 1.25),
    (20, "held_out/accuracy", "Memory_Efficiency", 0.625),
    (20, "held_out/accuracy", "Go", 0.9),
    (20, "grad_norm", "all", 3.0),
]


def test_the_last_values_of_the_main_metrics_and_of_each_criterion(tmp_path: Path) -> None:
    def work(context: Context[NoConfig], unit: str, output: UnitOutput) -> None:
        for step, metric, part, value in METRICS:
            row: dict[str, Any] = {"step": step, "metric": metric, "slice": part, "value": value}
            output.add("metrics", {"row_key": row_key(step, metric, part), **row})

    stage = Stage(
        name="training.train_reward_model",
        version=1,
        config=NoConfig,
        output=MODEL_FILES,
        side_tables={"metrics": TRAINING_METRICS},
        work=work,
        plan=plan_whole,
    )
    report = run_stage(stage, NoConfig(), {}, str(tmp_path / "trained"))
    artifact = str(tmp_path / "artifact")
    hand_on(DatasetRef(uri=report.uri, digest=report.manifest.content_digest, rows=0, bytes=0), artifact)
    assert last_metrics(artifact) == {
        "loss/total": 0.4124,
        "held_out/accuracy": 0.75,
        "held_out/lm": 1.25,
        "held_out/accuracy/Memory_Efficiency": 0.625,
    }
