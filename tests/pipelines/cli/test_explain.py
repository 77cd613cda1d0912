"""`themis explain` as a person and as a machine see it."""

import json
from pathlib import Path

from tests.e2e.runs import themis
from tests.pipelines.small_runs import small_run
from themis_common.hashing import row_key


def test_the_first_line_says_why_a_row_was_dropped(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    done = themis("explain", row_key(7)[:10], "--run", run.uri)
    assert done.returncode == 0, done.stderr
    first, *rest = done.stdout.splitlines()
    assert first == f"{row_key(7)} was dropped by filter_commits: odd (7 is odd)"
    assert f"{run.uri_of('filter_commits')}/rejected/00001.parquet" in "\n".join(rest)


def test_the_ends_of_all_rows_made_of_a_row_come_first(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run", copies=2)
    four = row_key(4)
    copy = row_key(four, 1)
    forwards = themis("explain", four, "--run", run.uri).stdout.splitlines()
    assert f"{copy} was not dropped; the last task to read it was prepare_base_model" in forwards[:2]
    backwards = themis("explain", copy, "--run", run.uri).stdout.splitlines()
    assert backwards[0] == f"{copy} was not dropped; the last task to read it was prepare_base_model"
    assert f"{four}  (of which {copy} was made)" in backwards


def test_an_unread_row_and_missing_tasks_are_told(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run", copies=2, finished=2)
    copy = row_key(row_key(4), 1)
    lines = themis("explain", copy, "--run", run.uri).stdout.splitlines()
    assert lines[0] == f"{copy} was not dropped; no further task has read it"
    assert lines[1] == "without an output in this run so far: prepare_base_model"


def test_json_holds_the_whole_story(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    story = json.loads(themis("explain", row_key(7), "--run", run.uri, "--json").stdout)
    assert (story["run"], story["row_key"], story["origins"]) == (run.uri, row_key(7), [])
    assert [(event["task"], event["fate"]) for event in story["events"]] == [
        ("mine_commits", "kept"),
        ("filter_commits", "dropped"),
    ]
    assert story["events"][1]["reason"] == "odd"


def test_an_unknown_key_costs_one_line_that_names_the_run(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    done = themis("explain", "f" * 32, "--run", run.uri)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {run.uri} has no row {'f' * 32}")
    assert len(done.stderr.splitlines()) == 1
