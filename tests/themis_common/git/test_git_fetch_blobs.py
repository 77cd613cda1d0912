"""Which fetches bring the blobs of a repository, against servers that serve more or less by ids."""

from collections.abc import Sequence

import pytest

from themis_common.git.fetch_blobs import fetch_blobs
from themis_common.git.fetch_failures import FetchFailure

BLOBS = [f"{number:040x}" for number in range(1, 7)]
COMMITS = [f"c{number:039x}" for number in range(3)]
EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")


class Server:
    """Serves some ids; notes what it was asked for."""

    def __init__(self, served: Sequence[str], *, refused: Sequence[str] = ()) -> None:
        self.served = {*served, *EVERYTHING}
        self.refused = set(refused)
        self.asked: list[tuple[tuple[str, ...], int]] = []

    def fetch(self, wants: Sequence[str], depth: int) -> FetchFailure | None:
        self.asked.append((tuple(wants), depth))
        for want in wants:
            if want in self.refused:
                return FetchFailure("refused", "no ids here")
            if want not in self.served:
                return FetchFailure("missing", "not our ref", missing=want)
        return None


def test_one_fetch_brings_all_blobs() -> None:
    server = Server(BLOBS)
    assert fetch_blobs(server.fetch, [*BLOBS, *BLOBS, "no id"], COMMITS) is None
    assert server.asked == [(tuple(BLOBS), 0)]


def test_each_missing_blob_costs_one_fetch_more() -> None:
    server = Server(BLOBS[2:])
    assert fetch_blobs(server.fetch, BLOBS, COMMITS) is None
    assert [len(wants) for wants, _ in server.asked] == [6, 5, 4]


def test_a_server_that_lacks_many_is_asked_for_everything() -> None:
    server = Server([])
    assert fetch_blobs(server.fetch, [f"{number:040x}" for number in range(100)], COMMITS) is None
    assert [len(wants) for wants, _ in server.asked] == [100, 99, 98, 97, 96, 95, 94, 93, 92, 2]
    assert server.asked[-1] == (EVERYTHING, 0)


def test_a_server_that_refuses_blobs_is_asked_for_commits_with_their_parents() -> None:
    server = Server(COMMITS[1:], refused=BLOBS)
    assert fetch_blobs(server.fetch, BLOBS, COMMITS) is None
    assert server.asked[1:] == [(tuple(COMMITS), 2), (tuple(COMMITS[1:]), 2)]


def test_a_server_that_refuses_all_ids_is_asked_for_everything() -> None:
    server = Server([], refused=[*BLOBS, *COMMITS])
    assert fetch_blobs(server.fetch, BLOBS, COMMITS) is None
    assert [wants for wants, _ in server.asked][2:] == [EVERYTHING]


@pytest.mark.parametrize("kind", ["gone", "password_required", "busy", "timed_out", "too_large", "passing"])
def test_any_other_failure_ends_it(kind: str) -> None:
    failure = FetchFailure(kind, "as it is")  # type: ignore[arg-type]
    assert fetch_blobs(lambda wants, depth: failure, BLOBS, COMMITS) is failure


def test_an_id_that_was_not_asked_for_cannot_keep_it_going() -> None:
    failure = FetchFailure("missing", "not our ref", missing="f" * 40)
    asked: list[Sequence[str]] = []

    def fetch(wants: Sequence[str], depth: int) -> FetchFailure | None:
        asked.append(wants)
        return failure

    assert fetch_blobs(fetch, BLOBS, COMMITS) is failure
    assert len(asked) == 2


def test_many_blobs_are_asked_for_in_several_fetches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("themis_common.git.fetch_blobs.WANTS_PER_FETCH", 4)
    server = Server(BLOBS)
    assert fetch_blobs(server.fetch, BLOBS, COMMITS) is None
    assert [wants for wants, _ in server.asked] == [tuple(BLOBS[:4]), tuple(BLOBS[4:])]
