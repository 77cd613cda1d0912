"""Lengths of pairs: the published means against the sampler that they are from, measured and estimated ones by hand."""

import pyarrow as pa
import pytest

from pipelines.training_plan.pair_lengths import estimated_lengths, measured_lengths, published_lengths
from tests.benchmarks import flops
from tests.benchmarks.length_sets import PM, PT, LengthSet
from themis_common.errors import UserError
from themis_common.schemas import TOKENISED_PAIRS

DRAWS = 20_000


@pytest.mark.parametrize("drawn", [PT, PM], ids=lambda drawn: drawn.name)
def test_published_means_are_those_of_the_length_sets(drawn: LengthSet) -> None:
    published = published_lengths(drawn.name, drawn.cap)
    pairs = drawn.draw(DRAWS, seed=3)
    shared, unshared = flops.shared(pairs, flash=True), flops.unshared(pairs)
    prompts = sum(pair.prompt for pair in pairs)
    told = (
        published.tokens,
        published.unshared_tokens,
        published.labels,
        published.keys,
        published.attended,
        published.unshared_attended,
    )
    found = (
        shared.rows,
        unshared.rows,
        shared.lm_rows,
        shared.rows + 2 * prompts,
        shared.attended,
        unshared.attended,
    )
    assert told == pytest.approx([number / DRAWS for number in found], rel=0.03)
    assert published.longest == 2 * drawn.cap


def tokenised(*rows: tuple[int, int, int, int, str]) -> pa.RecordBatch:
    columns = {
        "prefix_ids": [[1] * row[0] for row in rows],
        "chosen_ids": [[1] * row[1] for row in rows],
        "rejected_ids": [[1] * row[2] for row in rows],
        "prompt_tokens": [row[3] for row in rows],
        "split": [row[4] for row in rows],
    }
    schema = pa.schema([TOKENISED_PAIRS.columns.field(name) for name in columns])
    return pa.RecordBatch.from_pydict(columns, schema=schema)


def test_tokenised_pairs_are_measured() -> None:
    # in the second pair the responses share a token after the prompt
    batches = [
        tokenised((3, 2, 1, 3, "train"), (9, 9, 9, 9, "held_out")),
        tokenised((5, 4, 3, 4, "train")),
    ]
    found = measured_lengths(batches, "a test")
    assert found.pairs == 2
    assert (found.tokens, found.unshared_tokens) == ((6 + 12) / 2, (9 + 17) / 2)
    assert found.labels == (2 + 5) / 2
    assert found.keys == ((6 + 6) + (12 + 10)) / 2
    # causal: 5 tokens attend to 15, the other side's one to 3 + 1; then 45, 3 * 5 + 6
    assert found.attended == ((15 + 4) + (45 + 21)) / 2
    assert found.unshared_attended == ((15 + 10) + (45 + 36)) / 2
    assert found.longest == 12


def test_bytes_are_turned_into_tokens() -> None:
    row = {
        "split": "train",
        "language": "Python",
        "system": None,
        "input": "x" * 35,
        "chosen": "y" * 70,
        "rejected": "z" * 7000,
    }
    found = estimated_lengths([row, {**row, "split": "held_out"}], 100, "a test")
    # 12 tokens of the template and 10 of the input, 20 and as many as there is room for
    assert (found.pairs, found.tokens, found.labels) == (1, 22 + 20 + 78, 20)
    prose = estimated_lengths([{**row, "language": "NL"}], 100, "a test")
    assert prose.labels == 16


def test_nothing_to_train_on_costs_one_line() -> None:
    with pytest.raises(UserError, match="no pair has split 'train'"):
        measured_lengths([tokenised((1, 1, 1, 1, "held_out"))], "a test")
