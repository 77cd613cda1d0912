"""Pipelines run as processes: what callers get back, however the tasks end."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pipelines
from pipelines.runners.local_runner import run_local
from pipelines.runners.protocol import TaskEvent
from pipelines.runners.supervisor import RunOutcome
from tests.pipelines.runners import sample_pipelines as sample
from themis_common.errors import UserError
from themis_common.stages.task import RunFolder


def run(pipeline: Any, root: Path, events: list[TaskEvent] | None = None, **arguments: Any) -> RunOutcome:
    listen = events.append if events is not None else lambda _event: None
    return run_local(
        pipeline, arguments, run_root=root, log=root / "kfp.log", on_event=listen, grace_seconds=2
    )


def test_loop_and_gate_succeed(tmp_path: Path) -> None:
    outcome = run(sample.cells, tmp_path, folder=str(tmp_path))
    assert outcome.failure is None
    assert {task.task: task.state for task in outcome.tasks} == {
        "plan": "succeeded",
        "score[0]": "succeeded",
        "score[1]": "succeeded",
        "gather": "succeeded",
    }
    assert (tmp_path / "gathered").exists()


def test_empty_loop_succeeds(tmp_path: Path) -> None:
    outcome = run(sample.cells, tmp_path, folder=str(tmp_path), count=0)
    assert outcome.failure is None
    assert [task.task for task in outcome.tasks] == ["plan", "gather"]


def test_failed_cell_fails_the_run_after_the_gate_has_run(tmp_path: Path) -> None:
    outcome = run(sample.cells, tmp_path, folder=str(tmp_path), bad_cell="1")
    assert outcome.failure is not None
    assert outcome.failure.startswith("score[1] failed after ")
    assert "RuntimeError: no scores for 1" in outcome.failure
    assert (tmp_path / "gathered").exists()


@pytest.mark.parametrize("bad_cell", ["", "0", "2"])
def test_loops_over_named_outputs_reach_the_gate_whichever_cell_fails(tmp_path: Path, bad_cell: str) -> None:
    outcome = run(sample.groups, tmp_path, folder=str(tmp_path), bad_cell=bad_cell)
    scored = [task.state for task in outcome.tasks if "score" in task.task]
    assert sorted(scored) == (["failed"] if bad_cell else []) + ["succeeded"] * (2 if bad_cell else 3)
    assert (outcome.failure is None) == (not bad_cell)
    assert (tmp_path / "gathered").exists()


def test_events_come_in_order_and_carry_progress_lines(tmp_path: Path) -> None:
    events: list[TaskEvent] = []
    run(sample.talk, tmp_path, events)
    assert [(event.state, event.text) for event in events] == [
        ("started", ""),
        ("progress", "say: half way"),
        ("succeeded", ""),
    ]
    assert "themis: say: half way" in Path(events[0].log).read_text()


def test_nothing_of_kfp_reaches_the_terminal(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    run(sample.talk, tmp_path)
    assert capfd.readouterr() == ("", "")
    assert not [str(warning.message) for warning in recwarn if "no effect" in str(warning.message)]
    assert "Running pipeline" in (tmp_path / "kfp.log").read_text()


def test_tasks_find_our_packages_where_the_user_has_folders_of_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pipelines", "components", "themis_common", "kfp"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise ImportError('the wrong package')")
    monkeypatch.chdir(tmp_path)
    outcome = run(sample.talk, tmp_path / "run")
    assert outcome.failure is None
    said = next((tmp_path / "run").rglob("said")).read_text()
    assert said.split() == ["hello", pipelines.__file__, str(tmp_path / "run")]


def test_the_word_python3_in_paths_and_values_stays_as_it_is(tmp_path: Path) -> None:
    outcome = run(sample.talk, tmp_path / "python3 files", text='python3 "quoted" \N{SNOWMAN} $HOME `id`')
    assert outcome.failure is None
    said = next((tmp_path / "python3 files").rglob("said")).read_text()
    assert said.startswith('python3 "quoted" \N{SNOWMAN} $HOME `id` ')


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        (sample.forgetful, "forget failed after 0.1 s: ended with exit code 0 but wrote no scores"),
        (
            sample.early,
            "leave_early failed after 0.1 s: ended with exit code 0 but wrote no executor_output.json",
        ),
        (sample.killed, "kill_itself failed after 0.1 s: killed by SIGKILL"),
    ],
)
def test_a_task_is_done_only_when_its_outputs_exist(pipeline: Any, expected: str, tmp_path: Path) -> None:
    outcome = run(pipeline, tmp_path)
    before, _, after = expected.partition("0.1 s")
    assert outcome.failure is not None
    assert outcome.failure.startswith(before)
    assert after in outcome.failure


def test_user_error_of_a_task_ends_the_run_at_once_without_retries(tmp_path: Path) -> None:
    outcome = run(sample.complaint, tmp_path, run=str(tmp_path))
    assert outcome.user_errors == ("repos.yaml: no key `branch`; add one",)
    assert outcome.failure is None
    assert (tmp_path / "attempts").read_text() == "x"
    assert not (tmp_path / "gathered").exists()


def test_user_errors_of_a_loop_let_the_other_iterations_the_gate_and_the_report_run(tmp_path: Path) -> None:
    outcome = run(sample.gated, tmp_path, run=str(tmp_path), bad_cells=["a", "b"])
    # whichever iteration began first, the gate comes after them
    assert sorted(outcome.user_errors[:-1]) == [
        "weigh[a]: a is broken; mend it",
        "weigh[b]: b is broken; mend it",
    ]
    assert outcome.user_errors[-1] == "some are missing"
    assert outcome.failure is None
    states = {task.task: task.state for task in outcome.tasks}
    assert states.pop("gather") == states.pop("weigh[c]") == "succeeded"
    assert set(states.values()) == {"failed"}
    assert sorted((tmp_path / "attempts").read_text()) == ["a", "b", "c"]
    assert (tmp_path / "gathered").exists()


def test_what_all_iterations_miss_is_said_once(tmp_path: Path) -> None:
    outcome = run(sample.gated, tmp_path, run=str(tmp_path), bad_cells=["a", "b", "c"])
    line, gate = outcome.user_errors
    names, _, message = line.partition(": ")
    assert sorted(names.split(", ")) == ["weigh[a]", "weigh[b]", "weigh[c]"]
    assert (message, gate) == ("it is broken; mend it", "some are missing")


def test_user_error_of_the_gate_over_a_whole_loop_ends_the_run(tmp_path: Path) -> None:
    outcome = run(sample.gated, tmp_path, run=str(tmp_path), bad_cells=[])
    assert outcome.user_errors == ("some are missing",)
    assert not (tmp_path / "gathered").exists()


def test_user_error_of_an_earlier_run_is_forgotten(tmp_path: Path) -> None:
    assert run(sample.complaint, tmp_path, run=str(tmp_path)).user_errors
    outcome = run(sample.talk, tmp_path)
    assert (outcome.user_errors, outcome.failure) == ((), None)
    assert RunFolder(str(tmp_path)).errors() == []


def test_retried_task_that_recovers_is_no_failure(tmp_path: Path) -> None:
    outcome = run(sample.flaky, tmp_path, folder=str(tmp_path))
    assert outcome.failure is None
    assert [task.state for task in outcome.tasks] == ["succeeded"]


def test_condition_that_kfp_cannot_evaluate_fails_the_run(tmp_path: Path) -> None:
    # kfp.local itself skips both branches of this run and reports success.
    outcome = run(sample.chooser, tmp_path, text="it's", folder=str(tmp_path))
    assert outcome.failure == f"the run ended early although no task failed; see {tmp_path / 'kfp.log'}"
    assert "Condition evaluation failed" in (tmp_path / "kfp.log").read_text().splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"speed": 1}, "no parameter 'speed'; it has loud, text, times, volume"),
        ({"times": "1"}, "times must be NUMBER_INTEGER, got '1'"),
        ({"times": True}, "times must be NUMBER_INTEGER, got True"),
        ({"loud": 1}, "loud must be BOOLEAN, got 1"),
        ({"text": "x" * 10_000}, "take 10012 bytes of 10000;"),
    ],
)
def test_argument_that_does_not_fit_is_a_user_error(
    arguments: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        run(sample.talk, tmp_path, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_missing_argument_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="needs a value for folder"):
        run(sample.cells, tmp_path)


def test_kfp_is_not_imported_until_a_pipeline_runs() -> None:
    program = "import sys, pipelines.runners.local_runner, pipelines.runners.docker_runner; print('kfp' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout == "False\n"
