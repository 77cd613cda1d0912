"""Which starts of sequences are shared."""

import numpy as np
import pytest

from themis_common.modeling.packing import SegmentForest
from themis_common.modeling.prefix_tree import MIN_SHARED, prefix_tree
from themis_common.modeling.token_pair import TokenIds


def ids(*parts: tuple[int, int]) -> TokenIds:
    """A sequence of parts, each a token and how often it comes."""
    return np.concatenate([np.full(times, token, np.int32) for token, times in parts])


def node_lengths(sequences: list[TokenIds]) -> list[int]:
    return sorted(len(tokens) for tokens, _ in prefix_tree(sequences).nodes)


@pytest.mark.parametrize(
    ("sequences", "expected"),
    [
        # one system text, two prompts with it, one of which also has the other's next 40 tokens
        (
            [ids((1, 50), (2, 40), (3, 9)), ids((1, 50), (2, 40), (4, 8)), ids((1, 50), (5, 7))],
            [7, 8, 9, 40, 50],
        ),
        # too short to share, and just long enough
        ([ids((1, MIN_SHARED - 1), (2, 3)), ids((1, MIN_SHARED - 1), (3, 3))], [MIN_SHARED + 2] * 2),
        ([ids((1, MIN_SHARED), (2, 3)), ids((1, MIN_SHARED), (3, 3))], [3, 3, MIN_SHARED]),
        # a common start that spares too little beyond the one above it
        ([ids((1, 50), (2, 9), (3, 1)), ids((1, 50), (2, 9), (4, 1)), ids((1, 50), (5, 1))], [1, 10, 10, 50]),
        # one is the start of another; equal ones are one, however short
        ([ids((1, 40)), ids((1, 40), (2, 2))], [2, 40]),
        ([ids((1, 3)), ids((1, 3)), ids((2, 5))], [3, 5]),
    ],
)
def test_starts_that_spare_enough_are_one_node(sequences: list[TokenIds], expected: list[int]) -> None:
    assert node_lengths(sequences) == expected
    assert node_lengths(sequences[::-1]) == expected


def test_every_sequence_can_be_read_back_from_the_forest() -> None:
    generator = np.random.default_rng(2)
    stems = [ids((token, 45)) for token in range(3)]
    sequences = [
        np.concatenate(
            [stems[number % 3], stems[number % 2], generator.integers(0, 2, number + 1).astype(np.int32)]
        )
        for number in range(40)
    ]
    forest = SegmentForest()
    forest.add(ids((9, 4)))
    ends = forest.add_sequences(sequences)
    tokens = forest.token_ids().numpy()
    positions = forest.positions().numpy()
    for sequence, end in zip(sequences, ends, strict=True):
        rows = forest.sequence_rows(end)
        np.testing.assert_array_equal(tokens[rows], sequence)
        np.testing.assert_array_equal(positions[rows], np.arange(len(sequence)))
    assert len(tokens) < sum(map(len, sequences)) / 2
