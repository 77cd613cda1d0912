"""Deleting from a store: never what a kept run needs, always what none needs, and nothing that is not an output."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pipelines.store_gc import DAY, Plan, carry_out, plan
from tests.pipelines.small_runs import small_run
from themis_common.errors import UserError
from themis_common.stages.task import RunFolder

NOW = time.time()
ROOT = Path(__file__).parents[2]


def plan_one(*locations: Path, keep_runs: int = 1, unfinished_days: float = 7.0, now: float = NOW) -> Plan:
    (only,) = plan([str(location) for location in locations], keep_runs, unfinished_days, now)
    return only


def uris(run: RunFolder) -> set[Path]:
    return {Path(record["uri"]) for record in run.tasks().values()}


def deleted(found: Plan) -> set[Path]:
    return {deletion.folder for deletion in found.deletions}


def outputs(store: Path) -> set[Path]:
    return set(store.glob("*/*"))


def test_outputs_of_earlier_attempts_go_and_their_bytes_are_counted(tmp_path: Path) -> None:
    first = uris(small_run(tmp_path / "run", count=10))
    second = uris(small_run(tmp_path / "run", count=12))
    found = plan_one(tmp_path / "run")
    assert deleted(found) == first
    size = sum(file.stat().st_size for folder in first for file in folder.rglob("*") if file.is_file())
    assert found.bytes == size > 0
    assert {deletion.why for deletion in found.deletions} == {"no kept run needs it"}
    assert outputs(tmp_path / "run/store") == first | second
    carry_out(found)
    assert outputs(tmp_path / "run/store") == second
    assert plan_one(tmp_path / "run").deletions == ()


def test_an_attempt_may_share_outputs_with_the_one_before(tmp_path: Path) -> None:
    first = uris(small_run(tmp_path / "run", copies=1))
    second = uris(small_run(tmp_path / "run", copies=2))
    assert deleted(plan_one(tmp_path / "run")) == first - second
    assert len(first & second) == 1


def test_the_newest_runs_of_a_shared_store_are_kept(tmp_path: Path) -> None:
    store = tmp_path / "store"
    runs = [
        small_run(tmp_path / "runs" / f"run{age}", store=store, count=10 + 3 * age, started=NOW - age * DAY)
        for age in (2, 0, 1)
    ]
    two, zero, one = (uris(run) for run in runs)
    # however the store is named, the runs beside it or beside each other are found
    for location in (tmp_path / "runs", tmp_path / "runs/run2"):
        assert deleted(plan_one(location, keep_runs=3)) == set()
        found = plan_one(location, keep_runs=2)
        assert deleted(found) == two
        assert [run.folder.name for run in found.kept_runs] == ["run0", "run1"]
        assert [run.folder.name for run in found.other_runs] == ["run2"]
        assert deleted(plan_one(location, keep_runs=1)) == two | one
    assert deleted(plan_one(store, tmp_path / "runs", keep_runs=1)) == two | one
    with pytest.raises(UserError, match=f"no run folder is known that uses {store}"):
        plan_one(store)
    carry_out(plan_one(tmp_path / "runs", keep_runs=1))
    assert outputs(store) == zero


def test_a_folder_of_runs_stands_for_all_their_stores(tmp_path: Path) -> None:
    small_run(tmp_path / "runs/a", count=10)
    old = uris(small_run(tmp_path / "runs/b", count=10))
    small_run(tmp_path / "runs/b", count=12)
    plans = plan([str(tmp_path / "runs")], 1, 7.0, NOW)
    assert [(one.store.parent.name, len(one.deletions)) for one in plans] == [("a", 0), ("b", len(old))]
    assert deleted(plan_one(tmp_path / "runs/b/store")) == old


def test_inputs_stay_down_the_chain_of_digests(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    chain = uris(run)
    # the run's record of all but its last task is gone, as when it took a model of another run
    for task in ("mine_commits", "filter_commits"):
        run.store.delete(f"tasks/{task}.json")
    config = run.config()
    run.store.write_bytes("config.json", json.dumps({**config, "tasks": {"prepare_base_model": {}}}).encode())
    found = plan_one(tmp_path / "run")
    assert {output.folder for output in found.kept} == chain
    assert found.deletions == ()


def test_what_the_configuration_names_stays(tmp_path: Path) -> None:
    first = uris(small_run(tmp_path / "run", count=10))
    run = small_run(tmp_path / "run", count=12)
    (model,) = [uri for uri in first if uri.parent.name == "training.prepare_base_model"]
    config = run.config()
    config["tasks"]["prepare_base_model"] = {"cells": [{"model": str(model / "files")}]}
    run.store.write_bytes("config.json", json.dumps(config).encode())
    # and with the model what it was made of
    assert plan_one(tmp_path / "run").deletions == ()


def test_an_interrupted_run_keeps_what_it_may_find_again(tmp_path: Path) -> None:
    first = uris(small_run(tmp_path / "run", count=10))
    small_run(tmp_path / "run", count=12, finished=1)
    (mined,) = [uri for uri in first if uri.parent.name == "dataset.mine_commits"]
    found = plan_one(tmp_path / "run", now=NOW + 30 * DAY)
    # what the earlier attempt mined went into what it filtered, which the run has yet to come to
    assert deleted(found) == set()
    small_run(tmp_path / "run", count=12, finished=3)
    assert mined in deleted(plan_one(tmp_path / "run"))


def test_an_interrupted_run_of_another_version_is_not_guessed_at(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run", finished=1)
    config = run.config()
    run.store.write_bytes("config.json", json.dumps({**config, "tasks": {"polish": {}}}).encode())
    with pytest.raises(UserError, match="has a task 'polish' that this version does not know"):
        plan_one(tmp_path / "run")


def test_unfinished_outputs_go_after_a_time_without_a_change(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    unfinished = tmp_path / "run/store/dataset.deduplicate" / ("0" * 20)
    marker = unfinished / "_units/00000.json"
    marker.parent.mkdir(parents=True)
    marker.write_text("{}")
    for folder in (marker, marker.parent, unfinished):
        os.utime(folder, (NOW - 8 * DAY, NOW - 8 * DAY))
    assert deleted(plan_one(tmp_path / "run", unfinished_days=9)) == set()
    found = plan_one(tmp_path / "run", unfinished_days=7)
    assert [deletion.why for deletion in found.deletions] == ["unfinished, untouched for 8.0 days"]
    os.utime(marker, (NOW, NOW))
    assert deleted(plan_one(tmp_path / "run")) == set()
    carry_out(found)
    assert not unfinished.parent.exists()
    assert outputs(tmp_path / "run/store") == uris(run)


def test_an_interrupted_deletion_is_finished(tmp_path: Path) -> None:
    small_run(tmp_path / "run", count=10)
    small_run(tmp_path / "run", count=12)
    doomed = plan_one(tmp_path / "run").deletions[0].folder
    os.rename(doomed, doomed.with_name(f".deleted-{doomed.name}-1"))
    found = plan_one(tmp_path / "run")
    assert "left behind by an interrupted deletion" in {deletion.why for deletion in found.deletions}
    carry_out(found)
    assert list((tmp_path / "run/store").rglob(".deleted-*")) == []


def test_whatever_is_no_output_is_left_alone(tmp_path: Path) -> None:
    small_run(tmp_path / "run")
    store = tmp_path / "run/store"
    foreign = [store / "notes/keep.txt", store / "dataset.mine_commits/mine/keep.txt", store / "keep.txt"]
    for file in foreign:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
    (tmp_path / "elsewhere").mkdir()
    (store / "dataset.mine_commits" / ("f" * 20)).symlink_to(tmp_path / "elsewhere")
    carry_out(plan_one(tmp_path / "run", now=NOW + 99 * DAY))
    assert all(file.is_file() for file in foreign)
    assert (store / "dataset.mine_commits" / ("f" * 20)).is_symlink()


def test_a_copied_run_folder_protects_the_store_that_it_names(tmp_path: Path) -> None:
    run = small_run(tmp_path / "runs/a", started=NOW - DAY)
    shutil.copytree(tmp_path / "runs/a", tmp_path / "runs/copy")
    small_run(tmp_path / "runs/a", count=20, started=NOW)
    assert deleted(plan_one(tmp_path / "runs/a", keep_runs=2)) == set()
    assert len(plan_one(tmp_path / "runs/a", keep_runs=1).deletions) == 3
    assert run.config()["store"] == str(tmp_path / "runs/a/store")


def test_a_run_that_has_written_nothing_has_nothing_to_delete(tmp_path: Path) -> None:
    small_run(tmp_path / "run", finished=0)
    assert plan_one(tmp_path / "run").deletions == ()


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("gs://bucket/store", "is not a local folder; in a bucket, set lifecycle rules"),
        ("nowhere", "is no folder"),
        ("empty", "is neither a run folder nor a folder of runs nor a store"),
        ("remote", "remote: its store is not a local folder; in a bucket, set lifecycle rules"),
    ],
)
def test_wrong_locations_cost_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "remote").mkdir()
    (tmp_path / "remote/config.json").write_text('{"store": "gs://bucket/store", "tasks": {}}')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=message):
        plan([location], 1, 7.0, NOW)


def test_a_run_in_progress_is_not_touched(tmp_path: Path) -> None:
    small_run(tmp_path / "run")
    command = [sys.executable, "-m", "tests.pipelines.runners.run_sleepers", str(tmp_path / "run"), "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as caller:
        try:
            deadline = time.monotonic() + 30
            while not (tmp_path / "run/polite.pids").exists():
                assert time.monotonic() < deadline, "the run did not start"
                time.sleep(0.05)
            (orchestrator,) = psutil.Process(caller.pid).children()
            with pytest.raises(UserError, match=rf"run is in progress \(process {orchestrator.pid}\)"):
                plan_one(tmp_path / "run")
        finally:
            caller.terminate()
    plan_one(tmp_path / "run")
