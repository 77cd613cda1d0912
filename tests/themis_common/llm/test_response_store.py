"""The response store on both kinds of store."""

import json
import os
import threading
from pathlib import Path

import pytest

from themis_common.errors import UserError
from themis_common.llm.chat_completions import Response
from themis_common.llm.engine import Usage
from themis_common.llm.response_store import Record, ResponseStore, segment_name
from themis_common.store import AlreadyExistsError, Store, open_store


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_store(tmp_path / "responses")


def key(number: int) -> str:
    return f"{number:064x}"


def record(number: int, text: str | None = None) -> Record:
    text = f"answer {number}\n[RATING]4[/RATING] \u00fc" if text is None else text
    response = Response(text=text, finish_reason="stop", usage=Usage(number, 1), served_model="m")
    return Record(key(number), response, {"model": "judge", "sampling": {"seed": number}})


def test_what_was_appended_is_found_by_the_same_and_by_later_objects(store: Store) -> None:
    first = ResponseStore(store)
    first.append([record(1), record(2)])
    first.append([record(3)])
    for responses in (first, ResponseStore(store)):
        found = responses.find([key(3), key(1), key(9), key(1)])
        assert found == {key(1): record(1).response, key(3): record(3).response}
        assert len(responses) == 3


def test_processes_that_write_at_once_do_not_disturb_each_other(store: Store) -> None:
    writers = [ResponseStore(store) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda offset=offset: [
            writers[offset].append([record(10 * offset + number)]) for number in range(5)
        ])
        for offset in range(4)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = [10 * offset + number for offset in range(4) for number in range(5)]
    assert set(ResponseStore(store).find(map(key, wanted))) == set(map(key, wanted))


def test_of_two_answers_to_one_request_the_older_counts(folder: Store) -> None:
    late, early = (ResponseStore(folder, new_name=lambda name=name: name) for name in ("b", "a"))
    late.append([record(1, "late")])
    early.append([record(1, "early")])
    assert ResponseStore(folder).find([key(1)])[key(1)].text == "early"


def test_segments_are_never_overwritten(folder: Store) -> None:
    responses = ResponseStore(folder, new_name=lambda: "same")
    responses.append([record(1)])
    with pytest.raises(AlreadyExistsError):
        responses.append([record(2)])


def test_segment_names_sort_by_age_and_do_not_repeat() -> None:
    names = [segment_name() for _ in range(1000)]
    assert len(set(names)) == 1000
    assert [name.split("-")[0] for name in names] == sorted(name.split("-")[0] for name in names)


def test_nothing_is_written_for_nothing(folder: Store) -> None:
    ResponseStore(folder).append([])
    assert list(folder.list()) == []


def test_segments_are_json_lines_that_say_how_an_answer_came_about(folder: Store) -> None:
    ResponseStore(folder).append([record(1), record(2)])
    [name] = folder.list()
    lines = [json.loads(line) for line in folder.read_bytes(name).decode("ascii").splitlines()]
    assert [line["key"] for line in lines] == [key(1), key(2)]
    assert lines[0]["origin"] == {"model": "judge", "sampling": {"seed": 1}}
    assert lines[0]["response"]["usage"] == {"prompt_tokens": 1, "completion_tokens": 1}


@pytest.mark.parametrize(
    "content", [b"garbage\n", b'{"key": "ab", "response": {}}\n', b'{"key": "' + b"0" * 64]
)
def test_a_damaged_segment_is_named(folder: Store, content: bytes) -> None:
    ResponseStore(folder).append([record(1)])
    [name] = folder.list()
    folder.write_bytes(name, folder.read_bytes(name) + content)
    with pytest.raises(UserError, match=f"{folder.uri}/{name}: no answer at byte [1-9]"):
        ResponseStore(folder).find([key(1)])


def test_a_damaged_answer_is_named(folder: Store) -> None:
    ResponseStore(folder).append([record(1)])
    [name] = folder.list()
    folder.write_bytes(name, folder.read_bytes(name).replace(b'"text"', b'"test"'))
    with pytest.raises(UserError, match=f"{name}: an answer cannot be read"):
        ResponseStore(folder).find([key(1)])


def test_a_folder_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UserError, match="cannot write"):
        ResponseStore(open_store(os.fspath(blocked))).append([record(1)])
