"""Connected components of a graph that is given by its edges."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.uint64]


def connect(left: Numbers, right: Numbers) -> tuple[Numbers, Numbers]:
    """The nodes that have an edge, sorted, and the smallest node of the component of each.

    Args:
        left: the nodes at one end of the edges, any 64-bit numbers; `right` those at the other.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    nodes, ends = np.unique(np.concatenate((left, right)), return_inverse=True)
    if not len(nodes):
        return nodes, nodes
    edges = (np.ones(len(left), dtype=bool), (ends[: len(left)], ends[len(left) :]))
    _, component = connected_components(coo_array(edges, shape=(len(nodes), len(nodes))), directed=False)
    # nodes are sorted, so the first of a component is its smallest
    _, first = np.unique(component, return_index=True)
    return nodes, nodes[first[component]]
