"""Connected components of a graph that is given by its edges."""

import numpy as np
import pytest

from themis_common.text.components import connect

LARGE = 2**64 - 1


@pytest.mark.parametrize(
    ("edges", "smallest"),
    [
        ([], {}),
        ([(5, 3)], {3: 3, 5: 3}),
        ([(9, 7), (2, LARGE), (7, 8), (8, 9)], {2: 2, LARGE: 2, 7: 7, 8: 7, 9: 7}),
        ([(4, 3), (3, 2), (2, 1), (1, 2)], dict.fromkeys((1, 2, 3, 4), 1)),
    ],
)
def test_every_node_knows_the_smallest_of_its_component(
    edges: list[tuple[int, int]], smallest: dict[int, int]
) -> None:
    ends = np.array(edges, dtype=np.uint64).reshape(-1, 2)
    nodes, roots = connect(ends[:, 0], ends[:, 1])
    assert dict(zip(nodes.tolist(), roots.tolist(), strict=True)) == smallest


def test_a_long_chain_is_one_component() -> None:
    # the published union-find recurses, and ends at a thousand
    numbers = np.arange(100_000, dtype=np.uint64)
    nodes, roots = connect(numbers[1:], numbers[:-1])
    assert len(nodes) == len(numbers)
    assert not roots.any()
