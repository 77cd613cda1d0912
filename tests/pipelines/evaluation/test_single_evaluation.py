"""`themis evaluate` without the command line: what it leaves, what it does not do twice, and what it refuses."""

import fcntl
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from pipelines.published_form import write_published_form
from pipelines.runners.protocol import TaskEvent
from pipelines.single_evaluation import Evaluated, EvaluationRequest, run_evaluation
from tests.components.evaluation.builders import ROWS, import_rows, write_dataset, write_parquet
from tests.fixtures.hub import COMMIT, serve_hub
from tests.fixtures.openai_endpoint import Body, OpenAIEndpoint
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.published_runs.scores import read_score_table
from themis_common.schemas import CELLS, SCORES
from themis_common.stages.task import RunFolder

SETTINGS = {"score_benchmark.device": "cpu", "score_benchmark.max_tokens": 2048}


@pytest.fixture
def benchmark(tmp_path: Path) -> str:
    return str(write_parquet(tmp_path / "bench.parquet", ROWS))


def _evaluate(benchmark: str, output: Path, *models: str, **asked: Any) -> tuple[Evaluated, list[str]]:
    events: list[TaskEvent] = []
    request = EvaluationRequest(benchmark=benchmark, models=models, settings=SETTINGS, **asked)
    evaluated = run_evaluation(request, output, events.append)
    return evaluated, [event.task for event in events]


def _untemplated(model: Path, folder: Path) -> Path:
    """A copy of a model whose tokenizer has no chat template, which is found out when it is scored."""
    shutil.copytree(model, folder)
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings.pop("chat_template", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def test_one_model_leaves_the_published_files_and_a_report(
    benchmark: str, tmp_path: Path, classifier_folder: Path
) -> None:
    output = tmp_path / "out"
    evaluated, tasks = _evaluate(benchmark, output, str(classifier_folder), prompt_mode="criterion")
    name = classifier_folder.name
    assert tasks == [
        "import_benchmark",
        f"import_model.{name}",
        "plan_cells",
        f"score_benchmark.{name}",
        "summarise",
    ]
    table = read_score_table(output / "scores.parquet")
    assert list(table.ids) == [row["id"] for row in ROWS]
    results = json.loads((output / "results.json").read_text())
    assert results["overall"]["total_examples"] == len(ROWS)
    assert results["overall"]["correct_predictions"] == sum(table.chosen > table.rejected)
    assert (output / "report" / "index.html").is_file()
    board = evaluated.report.leaderboard
    assert board is not None
    assert [(row.cell, row.prompt_mode) for row in board.rows] == [(name, "criterion")]

    before = RunFolder(str(output)).tasks()
    _evaluate(benchmark, output, str(classifier_folder), prompt_mode="criterion")
    after = RunFolder(str(output)).tasks()
    assert all(record["cached"] for record in after.values())
    assert {task: record["uri"] for task, record in after.items()} == {
        task: record["uri"] for task, record in before.items()
    }


def test_several_models_have_a_folder_each(benchmark: str, tmp_path: Path, classifier_folder: Path) -> None:
    shutil.copytree(classifier_folder, tmp_path / "other model")
    models = (str(classifier_folder), str(tmp_path / "other model"))
    evaluated, _ = _evaluate(benchmark, tmp_path / "out", *models)
    assert list(evaluated.published) == [classifier_folder.name, "other-model"]
    first, second = (form.results for form in evaluated.published.values())
    assert first.parent.name == classifier_folder.name
    assert first.read_bytes() == second.read_bytes()


def test_a_baseline_needs_no_model(benchmark: str, tmp_path: Path) -> None:
    evaluated, tasks = _evaluate(benchmark, tmp_path / "out", architecture="longer-response")
    assert evaluated.published.keys() == {"longer-response"}
    assert not any(task.startswith("import_model") for task in tasks)


def test_a_judge_that_is_served_elsewhere_needs_no_model(benchmark: str, tmp_path: Path) -> None:
    def reply(body: Body) -> str:
        text = "\n".join(message["content"] for message in body["messages"])
        return "no idea" if "[:3]" in text else json.dumps({"score": 2 if "values.sort()" in text else 5})

    with OpenAIEndpoint(reply) as endpoint:
        judge = json.dumps({"endpoint": endpoint.base_url, "model": "some-judge"})
        evaluated, _ = _evaluate(
            benchmark,
            tmp_path / "out",
            architecture="r3",
            prompt_mode="criterion",
            overrides=(f"score_benchmark.judge={judge}",),
        )
    plan = DatasetReader(RunFolder(str(tmp_path / "out")).uri_of("plan_cells"), CELLS)
    assert [row["prompt_mode"] for row in plan.rows()] == ["criterion"]
    overall = json.loads((tmp_path / "out" / "results.json").read_text())["overall"]
    # what could not be read is recorded, not averaged over
    assert (overall["accuracy"], overall["valid_pairs"], overall["total_parse_failures"]) == (0.875, 7, 1)
    board = evaluated.report.leaderboard
    assert board is not None
    assert [row.prompt_mode for row in board.rows] == ["criterion"]
    unserved, _ = _evaluate(benchmark, tmp_path / "unserved", architecture="r3")
    assert unserved.user_errors[0].startswith("cell r3: architecture r3 needs a model")


def test_a_model_of_the_hub(
    benchmark: str, tmp_path: Path, classifier_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {path.name: path.read_bytes() for path in classifier_folder.iterdir()}
    with serve_hub({"owner/rm": files}, monkeypatch, tmp_path / "cache"):
        evaluated, _ = _evaluate(benchmark, tmp_path / "hub", f"owner/rm@{COMMIT}")
        with pytest.raises(UserError, match=f"^owner/none@{COMMIT}: the hub does not give it"):
            _evaluate(benchmark, tmp_path / "none", f"owner/none@{COMMIT}")
        with pytest.raises(UserError, match="revision 'main' may move"):
            _evaluate(benchmark, tmp_path / "main", "owner/rm@main")
    assert evaluated.published.keys() == {"rm"}


def test_a_missing_head_tensor_is_named(benchmark: str, tmp_path: Path, classifier_folder: Path) -> None:
    folder = tmp_path / "headless"
    shutil.copytree(classifier_folder, folder)
    weights = load_file(folder / "model.safetensors")
    del weights["score.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"cell headless: .*score\.weight"):
        _evaluate(benchmark, tmp_path / "out", str(folder), architecture="seqcls")


def test_the_models_beside_one_that_cannot_be_scored_are_scored(
    benchmark: str, tmp_path: Path, classifier_folder: Path
) -> None:
    untemplated, other = _untemplated(classifier_folder, tmp_path / "untemplated"), tmp_path / "other"
    shutil.copytree(classifier_folder, other)
    models = (str(classifier_folder), str(untemplated), str(other))
    output, name = tmp_path / "out", classifier_folder.name
    evaluated, tasks = _evaluate(benchmark, output, *models)
    scored = [f"score_benchmark.{cell}" for cell in (name, "untemplated", "other")]
    assert tasks[-4:] == [*scored, "summarise"]
    assert evaluated.published.keys() == {name, "other"}
    assert all((output / cell / "results.json").is_file() for cell in (name, "other"))
    (line,) = evaluated.user_errors
    assert line.startswith("cell untemplated: ")
    board = evaluated.report.leaderboard
    assert board is not None
    (gap,) = board.missing
    assert (gap.cell, gap.failure) == ("untemplated", line.removeprefix("cell untemplated: "))
    assert f"Cell untemplated has no scores. {gap.failure}" in evaluated.report.notices

    # mended, it alone is scored
    shutil.copytree(classifier_folder, untemplated, dirs_exist_ok=True)
    again, _ = _evaluate(benchmark, output, *models)
    assert again.user_errors == ()
    assert again.published.keys() == {name, "untemplated", "other"}
    records = RunFolder(str(output)).tasks()
    assert [records[task]["cached"] for task in scored] == [True, False, True]


def test_an_unusable_folder_ends_the_evaluation_before_anything_is_scored(
    benchmark: str, tmp_path: Path, classifier_folder: Path
) -> None:
    models = (str(classifier_folder), str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="nowhere is no folder"):
        _evaluate(benchmark, tmp_path / "out", *models)
    assert not [
        task for task in RunFolder(str(tmp_path / "out")).tasks() if task.startswith("score_benchmark")
    ]


def test_a_tokenizer_without_chat_template_is_said(
    benchmark: str, tmp_path: Path, classifier_folder: Path
) -> None:
    folder = _untemplated(classifier_folder, tmp_path / "untemplated")
    evaluated, _ = _evaluate(benchmark, tmp_path / "out", str(folder))
    (line,) = evaluated.user_errors
    assert re.match("cell untemplated: .* has no chat template", line)
    assert "\n" not in line


def test_a_corrupt_shard_of_weights_is_named(benchmark: str, tmp_path: Path, classifier_folder: Path) -> None:
    folder = tmp_path / "corrupt"
    shutil.copytree(classifier_folder, folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(UserError, match=f"^{weights} cannot be read as safetensors") as caught:
        _evaluate(benchmark, tmp_path / "out", str(folder))
    assert "\n" not in str(caught.value)


def test_two_evaluations_do_not_share_a_folder(benchmark: str, tmp_path: Path) -> None:
    _evaluate(benchmark, tmp_path / "out", architecture="longer-response")
    with (tmp_path / "out" / ".lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another run is at work in .*; wait for its end"):
            _evaluate(benchmark, tmp_path / "out", architecture="longer-response")
    _evaluate(benchmark, tmp_path / "out", architecture="longer-response")


def test_wrong_use_is_one_line(benchmark: str, tmp_path: Path, classifier_folder: Path) -> None:
    with pytest.raises(UserError, match="--model is missing; name a model, or a baseline"):
        _evaluate(benchmark, tmp_path / "a")
    with pytest.raises(UserError, match="architecture longer-response reads no model and no prompt"):
        _evaluate(benchmark, tmp_path / "d", architecture="longer-response", prompt_mode="all")
    with pytest.raises(UserError, match="two models have the same name"):
        _evaluate(benchmark, tmp_path / "b", str(classifier_folder), str(classifier_folder) + "/")
    with pytest.raises(UserError, match="is no folder; a model of the Hugging Face hub is written"):
        _evaluate(benchmark, tmp_path / "c", str(tmp_path / "nowhere"))


def test_pairs_that_could_not_be_scored_stand_in_the_published_form(tmp_path: Path) -> None:
    benchmark = import_rows(tmp_path / "imported")
    rows = [
        {
            "row_key": row_key("m", row["id"]),
            "cell": "m",
            "id": row["id"],
            "chosen_score": None if number == 3 else 1.0,
            "rejected_score": 0.5,
            "language": row["language"],
            "aspect": row["aspect"],
            "subset": row["subset"],
            "failure": "too_long" if number == 3 else None,
        }
        for number, row in enumerate(ROWS)
    ]
    # the order of the rows is that of the benchmark, whatever theirs is
    scores = write_dataset(tmp_path / "scores", SCORES, list(reversed(rows)))
    form = write_published_form(scores, benchmark, tmp_path / "out")
    table = read_score_table(form.scores)
    assert list(table.ids) == [row["id"] for row in ROWS]
    assert table.parse_failed is not None
    assert list(table.parse_failed) == [number == 3 for number in range(len(ROWS))]
    overall = json.loads(form.results.read_text())["overall"]
    assert (overall["accuracy"], overall["accuracy_valid_only"]) == (0.875, 1.0)
    assert overall["mean_score_difference"] == 0.5
