"""Which side of the split a pair is on: whole groups of connected repositories go to one side.

A change may be held by many repositories (forks, mirrors), so two repositories are connected when they hold
the same commit, and what is connected stays together (facts/dataset.md section 8). Pairs without a repository
are grouped by their prompt, so that no prompt is on both sides.
"""

from collections.abc import Iterable, Mapping, Sequence

from themis_common.hashing import rng, row_key


class Groups:
    """A disjoint-set forest over named nodes: repositories, commits and prompts."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def join(self, nodes: Sequence[str]) -> None:
        """Put the nodes, known or new, into one group."""
        first = self._root(nodes[0])
        for node in nodes[1:]:
            other = self._root(node)
            # The smallest name is the root, so a group's identity does not depend on the order of joins.
            first, joined = min(first, other), max(first, other)
            self._parent[joined] = first

    def groups(self) -> dict[str, list[str]]:
        """The nodes of each group by the group's smallest node."""
        members: dict[str, list[str]] = {}
        for node in self._parent:
            members.setdefault(self._root(node), []).append(node)
        return members

    def _root(self, node: str) -> str:
        parent = self._parent.setdefault(node, node)
        while parent != node:
            # halve the path, so that long chains of joins stay cheap to follow
            self._parent[node] = self._parent[parent]
            node, parent = parent, self._parent[parent]
        return node


def nodes_of(repos: Iterable[str], commit: str | None, prompt: str) -> list[str]:
    """The nodes that a pair connects; the first stands for the pair.

    Args:
        repos: every repository that holds the change; empty for pairs without provenance.
        commit: its hash, where there is one.
        prompt: the pair's prompt.
    """
    # GitHub does not tell upper case from lower in repository names.
    repositories = [f"repository {name.casefold()}" for name in repos]
    if not repositories:
        return [f"prompt {row_key(prompt)}"]
    return [*repositories, f"commit {commit}"] if commit else repositories


def held_out_nodes(groups: Groups, rows: Mapping[str, int], share: float, seed: int) -> set[str]:
    """The nodes of all groups that are kept from training.

    Groups are taken in an order drawn from the seed, and each that still fits into the share is held out. So
    the share is met as closely as whole groups allow, be they few or of very different size. Where none fits,
    the smallest is held out, as long as something remains to train on.

    Args:
        groups: the connected nodes.
        rows: number of rows for each node that stands for rows.
        share: of all rows to hold out, 0 to below 1.
        seed: decides the order.
    """
    members = groups.groups()
    sizes = {name: sum(rows.get(node, 0) for node in nodes) for name, nodes in members.items()}
    order = sorted(members, key=lambda name: (rng(seed, name, "split").random(), name))
    room = share * sum(sizes.values())
    held_out: list[str] = []
    for name in order:
        if sizes[name] <= room:
            held_out.append(name)
            room -= sizes[name]
    if share > 0 and len(order) > 1 and not held_out:
        held_out = [min(order, key=lambda name: sizes[name])]
    return {node for name in held_out for node in members[name]}
