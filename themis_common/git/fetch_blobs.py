"""Bringing many blobs of one repository with as few and as small fetches as its server allows.

One fetch by blob ids brings the files and nothing else: no commit, no tree (facts/data_eval_peers.md section B.1).
A server names one id that it lacks at a time, so each costs a fetch. One that serves no blobs by their ids is asked
for the commits, with their parents; one that serves no ids at all, or lacks many, for all branches and tags.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from themis_common.git.blobs import OBJECT_ID
from themis_common.git.fetch_failures import FetchFailure

WANTS_PER_FETCH = 5_000
"""Ids in one request; 250 kB."""

_MOST_DROPPED = 8
"""Ids that a server may lack before everything is fetched instead; each costs a connection, but few bytes."""

_COMMIT_AND_PARENT = 2
_EVERYTHING = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")

Fetch = Callable[[Sequence[str], int], FetchFailure | None]
"""Brings object ids or refspecs, with history of some depth (0: all)."""


def fetch_blobs(fetch: Fetch, blobs: Iterable[str], commits: Iterable[str]) -> FetchFailure | None:
    """Bring those of `blobs` that the server has; None when it could be asked for all of them.

    Args:
        commits: whose trees, or whose parents' trees, hold the blobs.
    """
    failure = _bring_ids(fetch, blobs, depth=0)
    if failure is not None and failure.kind == "refused":
        failure = _bring_ids(fetch, commits, depth=_COMMIT_AND_PARENT)
    if failure is not None and failure.kind in {"refused", "missing"}:
        return fetch(_EVERYTHING, 0)
    return failure


def _bring_ids(fetch: Fetch, ids: Iterable[str], depth: int) -> FetchFailure | None:
    """Bring those of `ids` that the server has; of kind missing when it lacks too many."""
    dropped = 0
    for wants in _batches(sorted({one for one in ids if OBJECT_ID.fullmatch(one)})):
        while wants:
            failure = fetch(wants, depth)
            if failure is None:
                break
            if failure.kind != "missing" or failure.missing not in wants or dropped == _MOST_DROPPED:
                return failure
            wants.remove(failure.missing)
            dropped += 1
    return None


def _batches(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), WANTS_PER_FETCH):
        yield list(ids[start : start + WANTS_PER_FETCH])
