"""A stage as a task of a run: configuration from the run folder, artifacts, fan-out, errors."""

import json
from pathlib import Path

import pytest

from tests.themis_common.stages.counting import EVEN, SOURCE
from themis_common.errors import UserError
from themis_common.stages.shares import OthersUnfinishedError
from themis_common.stages.task import RunFolder, gather_task, map_task, plan_task, reporting_errors, run_task


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(str(tmp_path / "run"))
    document = {
        "store": str(tmp_path / "run/store"),
        "map_pods": 2,
        "tasks": {"source": {"count": 12, "units": 5}, "even": {}, "wrong": {"countt": 1}},
    }
    folder.store.write_bytes("config.json", json.dumps(document).encode())
    return folder


def test_a_task_hands_a_reference_to_the_next(run: RunFolder, tmp_path: Path) -> None:
    numbers, even = str(tmp_path / "a" / "numbers"), str(tmp_path / "b" / "even")
    run_task(SOURCE, task="source", run=run.uri, inputs={}, artifact=numbers)
    metadata = run_task(EVEN, task="even", run=run.uri, inputs={"numbers": numbers}, artifact=even)
    assert metadata["rows"] == 6
    assert json.loads(Path(even).read_text()) == metadata
    assert run.uri_of("even") == metadata["uri"]
    assert not run.tasks()["even"]["cached"]


def test_what_a_run_has_made_is_reused_by_the_next_run_only(run: RunFolder, tmp_path: Path) -> None:
    numbers = str(tmp_path / "numbers")
    for cached in (False, True):
        # a second task on the same output, such as a share that ends at the same time, finds it
        for _ in range(2):
            run_task(SOURCE, task="source", run=run.uri, inputs={}, artifact=numbers)
            assert run.tasks()["source"]["cached"] is cached
        run.clear()


def test_a_fan_out_equals_a_single_task(run: RunFolder, tmp_path: Path) -> None:
    numbers, even = str(tmp_path / "numbers"), str(tmp_path / "even")
    run_task(SOURCE, task="source", run=run.uri, inputs={}, artifact=numbers)
    single = run_task(EVEN, task="even", run=run.uri, inputs={"numbers": numbers}, artifact=even)
    other = RunFolder(str(tmp_path / "other"))
    document = {**run.config(), "store": str(tmp_path / "other/store")}
    other.store.write_bytes("config.json", json.dumps(document).encode())
    groups = plan_task(EVEN, task="even", run=other.uri, source=numbers)
    assert groups == ["0/2", "1/2"]
    map_task(EVEN, task="even", run=other.uri, source=numbers, group=groups[1])
    with pytest.raises(UserError, match="is not finished"):
        gather_task(EVEN, task="even", run=other.uri, source=numbers, artifact=even)
    map_task(EVEN, task="even", run=other.uri, source=numbers, group=groups[0])
    for cached in (False, True):
        gathered = gather_task(EVEN, task="even", run=other.uri, source=numbers, artifact=even)
        assert gathered["digest"] == single["digest"]
        assert other.tasks()["even"]["cached"] is cached
        other.clear()


def test_every_user_error_of_a_run_is_kept_until_the_next_run(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown key 'countt'"):
        run_task(SOURCE, task="wrong", run=run.uri, inputs={}, artifact=str(tmp_path / "x"))
    with pytest.raises(UserError, match="has no section 'absent'"):
        run_task(SOURCE, task="absent", run=run.uri, inputs={}, artifact=str(tmp_path / "x"))
    absent, wrong = run.errors()
    assert (absent.task, wrong.task) == ("absent", "wrong")
    assert "unknown key 'countt'; did you mean count?" in wrong.message
    run.clear()
    assert run.errors() == []


def test_of_nested_blocks_the_innermost_names_the_task_of_an_error(run: RunFolder) -> None:
    for cell in ("one", "two"):
        with (
            pytest.raises(UserError),
            reporting_errors(run.uri, "score") as folder,
            folder.leaving_errors(f"score.{cell}"),
        ):
            raise UserError("no tokenizer")
    assert [(error.task, error.message) for error in run.errors()] == [
        ("score.one", "no tokenizer"),
        ("score.two", "no tokenizer"),
    ]


def test_waiting_for_others_is_no_error_of_the_run(run: RunFolder) -> None:
    with pytest.raises(OthersUnfinishedError), run.leaving_errors("score"):
        raise OthersUnfinishedError("3 parts belong to others")
    assert run.errors() == []


def test_a_folder_without_configuration_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is no run folder"):
        run_task(SOURCE, task="source", run=str(tmp_path), inputs={}, artifact=str(tmp_path / "x"))
