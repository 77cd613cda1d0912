"""Mining and filtering spread over pods: the same as in one piece, planned once, interrupted or not."""

import json
from pathlib import Path

import pytest

from components.dataset.filter_commits.stage import STAGE as FILTER
from components.dataset.mine_commits import repositories
from components.dataset.mine_commits.stage import STAGE as MINE
from tests.fixtures.git_repositories import RepositoryBuilder
from themis_common.errors import UserError
from themis_common.stages.task import RunFolder, gather_task, map_task, plan_task, run_task

PODS = 3


def new_run(folder: Path, mined: list[Path]) -> RunFolder:
    run = RunFolder(str(folder))
    document = {
        "store": str(folder / "store"),
        "map_pods": PODS,
        "tasks": {
            "mine_commits": {"repositories": [str(path) for path in mined]},
            "filter_commits": {"languages": ["Python"]},
        },
    }
    run.store.write_bytes("config.json", json.dumps(document).encode())
    return run


@pytest.fixture
def mined(tmp_path: Path) -> list[Path]:
    """Seven repositories without common history."""
    paths = [tmp_path / f"project{number}" for number in range(7)]
    for path in paths:
        builder = RepositoryBuilder(path)
        builder.commit(
            {"a.py": b"0\n", "b.rs": b"0\n", "name": path.name.encode()}, "Add the first files of all"
        )
        for number in range(1, 4):
            builder.commit({"a.py": f"{number}\n".encode()}, f"Change the value of a to {number}")
        builder.commit({"b.rs": b"1\n"}, "Change the value of b once")
        builder.build()
    return paths


def test_mining_and_filtering_over_pods_equal_one_task(
    tmp_path: Path, mined: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = new_run(tmp_path / "one", mined)
    commits, kept = str(tmp_path / "commits"), str(tmp_path / "kept")
    run_task(MINE, task="mine_commits", run=one.uri, inputs={}, artifact=commits)
    whole = run_task(FILTER, task="filter_commits", run=one.uri, inputs={"commits": commits}, artifact=kept)

    walks: list[int] = []
    find_families = repositories.find_families
    monkeypatch.setattr(
        repositories,
        "find_families",
        lambda opened, history: walks.append(len(opened)) or find_families(opened, history),
    )
    pods = new_run(tmp_path / "pods", mined)
    for stage, task, source, target in (
        (MINE, "mine_commits", None, commits),
        (FILTER, "filter_commits", commits, kept),
    ):
        groups = plan_task(stage, task=task, run=pods.uri, source=source)
        assert groups == [f"{number}/{PODS}" for number in range(PODS)]
        # the last pods finish first, one is started twice, and what is missing is no dataset
        for group in [*groups[:0:-1], groups[1]]:
            map_task(stage, task=task, run=pods.uri, source=source, group=group)
        with pytest.raises(UserError, match="is not finished"):
            gather_task(stage, task=task, run=pods.uri, source=source, artifact=target)
        map_task(stage, task=task, run=pods.uri, source=source, group=groups[0])
        spread = gather_task(stage, task=task, run=pods.uri, source=source, artifact=target)
    assert walks == [len(mined)]
    assert (spread["digest"], spread["rows"]) == (whole["digest"], 21)


def test_a_stage_fans_out_over_its_one_input_or_over_none(tmp_path: Path, mined: list[Path]) -> None:
    run = new_run(tmp_path / "run", mined)
    with pytest.raises(AssertionError, match="has 1 inputs, 0 given"):
        plan_task(FILTER, task="filter_commits", run=run.uri, source=None)
