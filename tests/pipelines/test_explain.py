"""Rows are followed in both directions, through new keys, drops and outputs that use them as a whole."""

import json
from pathlib import Path

import pytest

from pipelines.explain import Event, Story, explain
from tests.pipelines.small_runs import STAGES, small_run
from tests.themis_common.datasets.written import Row, write_rows
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.schemas import COMMITS
from themis_common.stages.task import RunFolder


def fates(story: Story) -> list[tuple[str, str, str]]:
    return [(event.task, event.row_key, event.fate) for event in story.events]


def test_a_dropped_row_is_followed_to_where_it_was_dropped(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    seven = row_key(7)
    story = explain(run.uri, seven)
    assert fates(story) == [("mine_commits", seven, "kept"), ("filter_commits", seven, "dropped")]
    dropped = story.events[-1]
    assert (dropped.stage, dropped.reason, dropped.detail) == ("dataset.filter_commits", "odd", "7 is odd")
    assert dropped.dataset == run.uri_of("filter_commits")
    # 7 is in the second of three units
    assert dropped.shard == "rejected/00001.parquet"
    assert (Path(dropped.dataset) / dropped.shard).is_file()
    assert story.unfinished == ()


def test_a_kept_row_is_followed_into_outputs_that_use_it_as_a_whole(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    story = explain(run.uri, row_key(4))
    assert [fate for _, _, fate in fates(story)] == ["kept", "kept", "used"]
    assert story.events[-1] == Event(
        task="prepare_base_model",
        stage="training.prepare_base_model",
        row_key=row_key(4),
        fate="used",
        dataset=run.uri_of("prepare_base_model"),
    )


def test_rows_that_were_made_of_a_row_are_followed_too(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run", copies=3)
    four = row_key(4)
    copies = sorted([row_key(four, 1), row_key(four, 2)])
    story = explain(run.uri, four)
    # the first copy keeps the key, the others get new ones
    assert sorted(fates(story)) == sorted(
        [
            ("mine_commits", four, "kept"),
            ("filter_commits", four, "kept"),
            ("filter_commits", four, "became"),
            *(("prepare_base_model", key, "used") for key in [four, *copies]),
        ]
    )
    (became,) = [event for event in story.events if event.fate == "became"]
    assert (sorted(became.became), became.siblings) == (copies, 0)


def test_a_row_is_followed_back_to_what_it_was_made_of(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run", copies=3)
    four, copy = row_key(4), row_key(row_key(4), 2)
    story = explain(run.uri, copy)
    assert story.origins == (four,)
    (became,) = [event for event in story.events if event.fate == "became"]
    assert (became.row_key, became.became, became.siblings) == (four, (copy,), 1)
    assert fates(story)[0] == ("mine_commits", four, "kept")
    assert ("prepare_base_model", copy, "used") in fates(story)


def test_a_run_that_was_interrupted_names_what_is_missing(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run", finished=1)
    story = explain(run.uri, row_key(7))
    assert [fate for _, _, fate in fates(story)] == ["kept"]
    assert story.unfinished == ("filter_commits", "prepare_base_model")


def test_the_beginning_of_a_key_is_enough_when_one_row_has_it(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    assert explain(run.uri, row_key(7)[:6].upper()).row_key == row_key(7)
    with pytest.raises(UserError, match="'abcde' is too short for a row key; give at least 6 characters"):
        explain(run.uri, "abcde")


@pytest.mark.parametrize("text", ["f" * 32, "f" * 40, "f" * 10, "deadbeef"])
def test_an_unknown_key_names_the_run(tmp_path: Path, text: str) -> None:
    run = small_run(tmp_path / "run")
    with pytest.raises(UserError, match=f"{run.uri} has no row {text}"):
        explain(run.uri, text)


def commits_run(folder: Path) -> RunFolder:
    """A run whose only task mined two commits and dropped a third."""

    def commit(number: int) -> Row:
        sha = f"{number:04x}" * 10
        return {
            "row_key": row_key(sha),
            "commit": sha,
            "parent": "0" * 40,
            "repos": ["alpha"],
            "licenses": ["mit"],
            "subject": "Fix it",
            "message": "Fix it",
            "path": "a.py",
            "old_blob": "0" * 40,
            "new_blob": "1" * 40,
            "unix_time": 1,
        }

    dropped = f"{3:04x}" * 10
    uri = write_rows(
        folder / "commits",
        COMMITS,
        [commit(0x1111), commit(0x1112)],
        dropped={row_key(dropped): f"alpha {dropped}"},
    )
    run = RunFolder(str(folder / "run"))
    record = {
        "task": "mine_commits",
        "stage": "dataset.mine_commits",
        "uri": uri,
        "seconds": 0,
        "cached": False,
    }
    run.store.write_bytes("config.json", json.dumps({"tasks": {"mine_commits": {}}}).encode())
    run.store.write_bytes("tasks/mine_commits.json", json.dumps(record).encode())
    return run


def test_commits_are_found_by_their_ids(tmp_path: Path) -> None:
    run = commits_run(tmp_path)
    kept, dropped = "1112" * 10, "0003" * 10
    for text in (kept, kept[:7]):
        assert explain(run.uri, text).row_key == row_key(kept)
    for text in (dropped, dropped[:7]):
        (event,) = explain(run.uri, text).events
        assert (event.row_key, event.fate, event.reason) == (row_key(dropped), "dropped", "unwanted")


def test_a_beginning_that_fits_several_rows_names_them(tmp_path: Path) -> None:
    numbers = 600
    run = small_run(tmp_path / "run", count=numbers, finished=1)
    uri = write_rows(
        tmp_path / "alike",
        STAGES["mine_commits"].output,
        [{"row_key": f"abcdef{number:026x}", "number": number} for number in range(7)],
    )
    record = run.tasks()["mine_commits"]
    run.store.write_bytes("tasks/mine_commits.json", json.dumps({**record, "uri": uri}).encode())
    with pytest.raises(
        UserError, match=r"'abcdef' fits 7 rows of .*run \(abcdef0{26}, .*, \.\.\.\); give more"
    ):
        explain(run.uri, "abcdef")
    assert explain(run.uri, f"abcdef{3:026x}").row_key == f"abcdef{3:026x}"


def test_an_output_that_is_gone_is_named(tmp_path: Path) -> None:
    run = small_run(tmp_path / "run")
    gone = Path(run.uri_of("filter_commits")) / "rejected/00000.parquet"
    gone.unlink()
    with pytest.raises(UserError, match=f"^{gone} is missing"):
        explain(run.uri, row_key(7))
