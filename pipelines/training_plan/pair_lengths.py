"""How long the pairs are that a plan is made for: measured on tokenised pairs, or as published.

All means are per pair, in the layout that training computes: what two conversations share at the start is stored once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from themis_common.errors import UserError
from themis_common.taxonomy import Language

Lengths = tuple[int, int, int, int]
"""Tokens of the shared prefix, of what is left of either side, and of the prompt."""

_CODE, _PROSE = 3.5, 4.5
_TEMPLATE = 12
"""Tokens that a chat template adds to a conversation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairLengths:
    """Mean sizes of training pairs.

    Attributes:
        pairs: how many there are.
        tokens: packed tokens; `unshared_tokens` without sharing prefixes.
        labels: tokens of chosen responses, which the language-model term predicts.
        keys: rows that attention gathers: of each segment its own and its ancestors'.
        attended: (query, key) pairs of causal attention; `unshared_attended` without sharing prefixes.
        longest: packed tokens of the largest pair.
        source: where the numbers are from, for people.
    """

    pairs: int
    tokens: float
    unshared_tokens: float
    labels: float
    keys: float
    attended: float
    unshared_attended: float
    longest: int
    source: str


PUBLISHED_PAIRS = {"PT": 110_717, "PM": 354_010}
"""Pairs of the published training sets (facts/training.md section 1)."""

_PUBLISHED_SOURCE = "estimated from the bytes of the published set"

# Means over 200,000 draws of the distributions in facts/training_peers.md section 2.2, which follow from byte totals
# and a histogram; no token statistics are published. The longest pair is two conversations of full length.
_PUBLISHED = {
    "PM": PairLengths(
        pairs=PUBLISHED_PAIRS["PM"],
        tokens=2_191,
        unshared_tokens=2_829,
        labels=777,
        keys=3_467,
        attended=2_269_000,
        unshared_attended=2_530_000,
        longest=2 * 4096,
        source=_PUBLISHED_SOURCE,
    ),
    "PT": PairLengths(
        pairs=PUBLISHED_PAIRS["PT"],
        tokens=1_248,
        unshared_tokens=1_799,
        labels=349,
        keys=2_349,
        attended=774_000,
        unshared_attended=963_000,
        longest=2 * 2560,
        source=_PUBLISHED_SOURCE,
    ),
}


def published_lengths(training_stage: str, max_tokens: int) -> PairLengths:
    """The published training set of a stage; no side of a pair is longer than `max_tokens`."""
    return replace(_PUBLISHED[training_stage], longest=2 * max_tokens)


def measured_lengths(batches: Iterable[pa.RecordBatch], source: str) -> PairLengths:
    """Lengths of the training pairs among tokenised pairs.

    Args:
        batches: columns `prefix_ids`, `chosen_ids`, `rejected_ids`, `prompt_tokens` and `split`.

    Raises:
        UserError: no pair is for training.
    """
    return _means((row for batch in batches for row in _token_lengths(batch)), source)


def estimated_lengths(rows: Iterable[Mapping[str, Any]], max_tokens: int, source: str) -> PairLengths:
    """Lengths of preference pairs whose tokenizer is not there, from their bytes.

    A token is 3.5 bytes of code or 4.5 of prose (facts/training.md section 16).

    Raises:
        UserError: no pair is for training.
    """
    return _means((_byte_lengths(row, max_tokens) for row in rows if row["split"] == "train"), source)


def _token_lengths(batch: pa.RecordBatch) -> Iterator[Lengths]:
    batch = batch.filter(pc.equal(batch.column("split"), "train"))
    sides = (
        pc.list_value_length(batch.column(name)) for name in ("prefix_ids", "chosen_ids", "rejected_ids")
    )
    columns = [column.to_pylist() for column in (*sides, batch.column("prompt_tokens"))]
    return zip(*columns, strict=True)


def _byte_lengths(row: Mapping[str, Any], max_tokens: int) -> Lengths:
    bytes_of_token = _PROSE if row["language"] == Language.NL.key else _CODE

    def tokens(text: str | None) -> int:
        return round(len((text or "").encode()) / bytes_of_token)

    prompt = min(_TEMPLATE + tokens(row["system"]) + tokens(row["input"]), max_tokens - 1)
    room = max_tokens - prompt
    chosen, rejected = (max(1, min(tokens(row[side]), room)) for side in ("chosen", "rejected"))
    # what two responses have in common at their start is not looked for: the estimate is rather too high
    return prompt, chosen, rejected, prompt


def _means(lengths: Iterable[Lengths], source: str) -> PairLengths:
    rows = np.fromiter(lengths, dtype=np.dtype((np.int64, 4)))
    if not len(rows):
        raise UserError(f"{source}: no pair has split 'train', so there is nothing to plan")
    prefix, chosen, rejected, prompt = rows.T
    tokens = prefix + chosen + rejected
    attended = _triangle(prefix + chosen) + rejected * prefix + _triangle(rejected)
    return PairLengths(
        pairs=len(rows),
        tokens=float(tokens.mean()),
        unshared_tokens=float((tokens + prefix).mean()),
        labels=float((prefix + chosen - prompt).mean()),
        keys=float((tokens + 2 * prefix).mean()),
        attended=float(attended.mean()),
        unshared_attended=float((_triangle(prefix + chosen) + _triangle(prefix + rejected)).mean()),
        longest=int(tokens.max()),
        source=source,
    )


def _triangle(n: NDArray[np.int64]) -> NDArray[np.int64]:
    return n * (n + 1) // 2
