"""The report of a run folder, from real datasets with the schemas of the stages that a run has."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from themis_common.config import config, option
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.report.model import Report
from themis_common.report.run import TaskOutput, build_report, task_outputs, write_report
from themis_common.schemas import MODEL_FILES, PAIRS, RATED_CHANGES, TRAINING_METRICS, Schema
from themis_common.stages import Context, Stage, UnitOutput, run_stage
from themis_common.stages.stage import plan_whole
from themis_common.stages.task import RunFolder


@config
class _TrainingOptions:
    """The options of training that a report quotes."""

    global_batch: int = option(default=8, help="")
    epochs: int = option(default=2, help="")
    lm_weight: float = option(default=0.25, help="")
    magnitude_weight: float = option(default=0.001, help="")


def _finish(
    folder: RunFolder,
    task: str,
    stage_name: str,
    schema: Schema,
    rows: Iterable[Mapping[str, Any]],
    *,
    dropped: Mapping[str, int] | None = None,
    metrics: Iterable[Mapping[str, Any]] = (),
) -> None:
    """Run a stage of that name that emits `rows` and drops as many keys, and record it as a task of the run."""
    drops = [(row_key(reason, n), reason) for reason, many in (dropped or {}).items() for n in range(many)]

    def work(context: Context[_TrainingOptions], unit: str, output: UnitOutput) -> None:
        output.read(key for key, _ in drops)
        for row in rows:
            output.read([row["row_key"]])
            output.emit(row)
        for key, reason in drops:
            output.drop(key, reason)
        for row in metrics:
            output.add("metrics", row)

    stage = Stage(
        name=stage_name,
        version=3,
        config=_TrainingOptions,
        output=schema,
        side_tables={"metrics": TRAINING_METRICS},
        reasons=tuple(dropped or ()),
        work=work,
        plan=plan_whole,
    )
    folder.record(task, run_stage(stage, _TrainingOptions(), {}, f"{folder.uri}/data/{task}"))


def _pair(number: int, criterion: str, code: str) -> dict[str, Any]:
    return {
        "row_key": row_key("pair", number),
        "system": None,
        "input": "Do it.",
        "chosen": code,
        "rejected": code[::-1],
        "language": "Cpp",
        "criterion": criterion,
        "source": "commits",
        "split": "train",
        "repo": "one/two",
        "commit": "0123456789abcdef",
        "path": "a/b.cpp",
        "license": "mit",
    }


def _rated(number: int) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(RATED_CHANGES.names, "x")
    lists = {"repos": ["one/two"], "licenses": ["mit"], "ratings": [4, 5]}
    return {
        **row,
        **lists,
        "row_key": row_key("rated", number),
        "unix_time": 1,
        "rating": 4.5,
        "engine": "rules",
    }


def _metric(step: int, metric: str, part: str, value: float) -> dict[str, Any]:
    return {
        "row_key": row_key(step, metric, part),
        "step": step,
        "metric": metric,
        "slice": part,
        "value": value,
    }


_METRICS = [
    *(_metric(step, "loss/total", "all", 1 / step) for step in (3, 1, 2)),
    _metric(1, "loss/lm", "all", 8.0),
    *(_metric(step, "reward/accuracy", "all", 0.5 + step / 10) for step in (1, 2, 3)),
    _metric(3, "held_out/accuracy", "all", 0.7),
    _metric(3, "held_out/lm", "all", 7.5),
    _metric(3, "held_out/accuracy", "Memory_Efficiency", 0.65),
    _metric(3, "held_out/pairs", "Memory_Efficiency", 20.0),
    _metric(3, "held_out/accuracy", "CSharp", 0.6),
    _metric(3, "held_out/accuracy", "NL", 0.8),
    *(_metric(step, "grad_norm", "all", 2.0 / step) for step in (1, 2, 3)),
    _metric(1, "histogram/chosen", "0..1", 20.0),
    _metric(3, "histogram/chosen", "0..0.5", 15.0),
    _metric(3, "histogram/chosen", "0.5..1", 5.0),
    _metric(3, "histogram/rejected", "-0.5..0", 20.0),
]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A run with dataset and training tasks, recorded in another order than the pipeline's."""
    run = RunFolder(str(tmp_path / "run"))
    tasks = ["mine_commits", "rate_changes", "assemble_code", "train_general", "train_code"]
    document = {"recipe": "local", "tasks": {key: {} for key in tasks}}
    run.store.write_bytes("config.json", json.dumps(document).encode())
    pairs = [
        _pair(1, "Memory_Efficiency", "int x;\n" * 300),
        _pair(2, "Memory_Efficiency", "delete p;\n" * 60),
        _pair(3, "Security_Hardness", "check();\n"),
        _pair(4, "Helpfulness", "hello\n"),
    ]
    _finish(run, "train_general", "training.train_reward_model", MODEL_FILES, [], metrics=_METRICS)
    _finish(run, "assemble_code", "dataset.assemble_preferences", PAIRS, pairs)
    _finish(
        run, "rate_changes", "dataset.rate_changes", RATED_CHANGES, [_rated(1), _rated(2)], dropped={"low": 3}
    )
    return run


def _report(folder: RunFolder) -> Report:
    return build_report(task_outputs(folder), title="t")


def test_tasks_come_in_the_order_of_the_pipeline(folder: RunFolder) -> None:
    outputs = task_outputs(folder)
    assert [output.label for output in outputs] == [
        "dataset.rate_changes",
        "dataset.assemble_preferences (assemble_code)",
        "training.train_reward_model (train_general)",
    ]


def test_labels_of_loop_tasks_name_the_cell(folder: RunFolder) -> None:
    manifest = task_outputs(folder)[0].manifest
    output = TaskOutput(
        task="score_benchmark.trained",
        stage="evaluation.score_benchmark",
        uri="u",
        seconds=1,
        cached=False,
        manifest=manifest,
    )
    assert output.label == "evaluation.score_benchmark (trained)"


def test_funnel_engine_and_manifests(folder: RunFolder) -> None:
    report = _report(folder)
    rated = report.funnel[0]
    assert (rated.rows_in, rated.emitted, rated.dropped, rated.rows_out) == (5, 2, {"low": 3}, 2)
    assert (report.engine, report.engine_is_rules) == ("rules engine", True)
    assert [line.version for line in report.manifests] == [3, 3, 3]
    assert len(report.seconds) == 3
    assert report.leaderboard is None


def test_examples_are_of_a_readable_size_one_for_each_code_criterion(folder: RunFolder) -> None:
    found = {example.criterion: example for example in _report(folder).examples}
    assert set(found) == {"Memory Efficiency", "Security Hardness"}
    assert found["Memory Efficiency"].chosen.startswith("delete p;")
    assert found["Memory Efficiency"].language == "C++"
    assert found["Memory Efficiency"].origin == "one/two, a/b.cpp, 0123456789ab"


def test_training_curves(folder: RunFolder) -> None:
    (run,) = _report(folder).training
    assert run.name.startswith("PT: ")
    assert run.remark == "3 steps of up to 8 pairs, 2 epochs"
    loss, margin, accuracy, lm, norm = run.charts
    assert loss.curves[0].points == ((1, 1.0), (2, 0.5), (3, 1 / 3))
    assert (loss.curves[1].name, loss.curves[1].points) == ("language model, weight 0.25", ((1, 2.0),))
    assert margin.curves == ()
    assert [curve.name for curve in accuracy.curves] == ["training", "held out"]
    assert [(curve.name, curve.points) for curve in lm.curves] == [
        ("training", ((1, 8.0),)),
        ("held out", ((3, 7.5),)),
    ]
    assert norm.curves[0].points == ((1, 2.0), (2, 1.0), (3, 2 / 3))
    (rewards,) = run.histograms
    assert [(found.low, found.high, found.counts) for found in rewards.bins] == [
        (-0.5, 0.0, {"rejected": 20}),
        (0.0, 0.5, {"chosen": 15}),
        (0.5, 1.0, {"chosen": 5}),
    ]
    assert [(row.name, row.pairs) for row in run.by_criterion] == [("Memory Efficiency", 20)]
    assert [(row.name, row.points) for row in run.by_language] == [
        ("C#", ((3, 0.6),)),
        ("natural language", ((3, 0.8),)),
    ]


def test_how_fast_training_went_is_drawn_where_that_is_known(folder: RunFolder) -> None:
    rows = [_metric(step, "speed/pairs_per_second", "all", 100.0 * step) for step in (10, 20)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    folder.store.write_bytes("data/train_general/_workspace/speed.jsonl", lines.encode())
    (run,) = _report(folder).training
    assert run.charts[-1].title == "Pairs a second"
    assert run.charts[-1].curves[0].points == ((10, 1000.0), (20, 2000.0))


def test_what_is_found_finished_shows_what_it_took_to_make(folder: RunFolder) -> None:
    record = json.loads(folder.store.read_bytes("tasks/rate_changes.json"))
    folder.store.write_bytes("tasks/rate_changes.json", json.dumps({**record, "cached": True}).encode())
    folder.store.write_bytes("data/rate_changes/_run.json", b'{"seconds": 75.0}')
    report = _report(folder)
    assert (report.seconds[0].seconds, report.seconds[0].reused) == (75.0, True)
    assert not any(line.reused for line in report.seconds[1:])
    assert report.facts[-1].remark == "1 of them reused from an earlier run"


def test_a_stage_that_lets_nothing_through_is_named(folder: RunFolder) -> None:
    drops = {"blocked_subject": 2, "more_than_one_file": 7}
    _finish(folder, "mine_commits", "dataset.mine_commits", PAIRS, [], dropped=drops)
    (notice,) = _report(folder).notices
    assert notice == "dataset.mine_commits let no row through: it dropped 9, most under 'more than one file'."


def test_the_three_files_are_written(folder: RunFolder) -> None:
    write_report(folder)
    written = set(folder.store.list("report/"))
    assert written == {"report/index.html", "report/table.md", "report/summary.json"}
    page = folder.store.read_bytes("report/index.html").decode()
    assert "Run of the recipe local" in page
    assert "Held-out accuracy by criterion" in page
    assert json.loads(folder.store.read_bytes("report/summary.json"))["funnel"][1]["rows_out"] == 4


def test_an_output_that_is_gone_is_named(folder: RunFolder) -> None:
    folder.store.delete("data/rate_changes/manifest.json")
    with pytest.raises(UserError, match="the output of task rate_changes, is gone"):
        task_outputs(folder)


def test_a_run_in_which_nothing_finished_still_has_a_report(tmp_path: Path) -> None:
    run = RunFolder(str(tmp_path))
    run.store.write_bytes("config.json", json.dumps({"recipe": "local", "tasks": {}}).encode())
    assert write_report(run).summary == "0 tasks have finished."
