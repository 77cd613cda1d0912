"""Repositories that share history (forks, clones) belong together: each of their commits must give one row.

Two complete repositories share a commit exactly if they share one of the commits that all of its history goes
back to, so comparing roots is enough. A shallow clone ends at its edge instead of at a root; there it is asked
whether the other repository holds the edge.
"""

from collections.abc import Sequence

from themis_common.git import GitRepository


def find_families(repositories: Sequence[GitRepository], history: str) -> list[list[int]]:
    """Indices of the repositories, grouped by shared history; groups and members in ascending order.

    Args:
        repositories: opened.
        history: which refs are walked, as in `GitRepository.tips`.
    """
    if len(repositories) == 1:
        return [[0]]
    family = list(range(len(repositories)))

    def join(left: int, right: int) -> None:
        kept, gone = sorted((family[left], family[right]))
        family[:] = [kept if member == gone else member for member in family]

    first_with: dict[str, int] = {}
    for index, repository in enumerate(repositories):
        for root in repository.commit_ids(repository.tips(history), roots_only=True):
            join(index, first_with.setdefault(root, index))
    for index, shallow in enumerate(repositories):
        if not shallow.shallow_edges:
            continue
        for other, candidate in enumerate(repositories):
            if family[index] != family[other] and candidate.holds_any(shallow.shallow_edges):
                join(index, other)
    return [
        [index for index, member in enumerate(family) if member == first] for first in sorted(set(family))
    ]


class Holders:
    """Which repositories of a family hold which commit, and from which of them the commit is read."""

    def __init__(self, repositories: Sequence[GitRepository], history: str) -> None:
        self._of: dict[str, tuple[int, ...]] = {}
        self._repositories = repositories
        self._history = history
        for index, repository in enumerate(repositories):
            for sha in repository.commit_ids(repository.tips(history)):
                self._of[sha] = (*self._of.get(sha, ()), index)

    def of(self, sha: str) -> tuple[int, ...]:
        """Indices of the repositories that hold the commit, ascending."""
        return self._of[sha]

    def to_read(self, index: int) -> list[str]:
        """The commits to read from the repository at `index`, newest first; each commit has one such place."""
        repository = self._repositories[index]
        walked = repository.commit_ids(repository.tips(self._history))
        return [sha for sha in walked if self._reader(sha) == index]

    def _reader(self, sha: str) -> int:
        """The first holder that knows the commit's parents, else the first holder."""
        holders = self._of[sha]
        complete = (index for index in holders if sha not in self._repositories[index].shallow_edges)
        return next(complete, holders[0])
