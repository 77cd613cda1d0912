"""The training pairs as one memory-mapped file, so that all ranks of a machine share one copy of the tokens."""

import os
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from themis_common.errors import UserError
from themis_common.modeling.token_pair import TokenIds, TokenPair
from themis_common.schemas import TOKENISED_PAIRS


def write_pair_file(batches: Iterable[pa.RecordBatch], path: Path) -> None:
    """Write tokenised pairs uncompressed, so that reading them back copies nothing."""
    unfinished = path.with_suffix(".unfinished")
    with pa.OSFile(str(unfinished), "wb") as sink, pa.ipc.new_file(sink, TOKENISED_PAIRS.columns) as writer:
        for batch in batches:
            writer.write_batch(batch)
    os.replace(unfinished, path)


class PairFile:
    """Random access to tokenised pairs of one split.

    Attributes:
        row_keys, criteria, languages: of each pair, in the order of the file.

    Raises:
        UserError: the split has no pair although it must have one.
    """

    def __init__(self, path: Path, split: str) -> None:
        self._table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        splits = self._table.column("split").to_pylist()
        self._rows = [row for row, found in enumerate(splits) if found == split]
        index = pa.array(self._rows, pa.int64())
        self.row_keys: list[str] = self._table.column("row_key").take(index).to_pylist()
        self.criteria: list[str] = self._table.column("criterion").take(index).to_pylist()
        self.languages: list[str] = self._table.column("language").take(index).to_pylist()

    def __len__(self) -> int:
        return len(self._rows)

    def pair(self, number: int) -> TokenPair:
        """One pair; its arrays look into the file."""
        row = self._rows[number]

        def ids(column: str) -> TokenIds:
            found: TokenIds = self._table.column(column)[row].values.to_numpy()
            return found

        return TokenPair(
            row_key=self.row_keys[number],
            prefix=ids("prefix_ids"),
            chosen=ids("chosen_ids"),
            rejected=ids("rejected_ids"),
            prompt_tokens=self._table.column("prompt_tokens")[row].as_py(),
        )

    def check_fits(self, max_tokens: int) -> None:
        """Refuse pairs that no pack can hold.

        Raises:
            UserError: names the first such pair.
        """
        lengths = sum(
            pa.compute.list_value_length(self._table.column(name)).to_numpy()
            for name in ("prefix_ids", "chosen_ids", "rejected_ids")
        )
        for number, row in enumerate(self._rows):
            if lengths[row] > max_tokens:
                raise UserError(
                    f"pair {self.row_keys[number]} packs to {lengths[row]} tokens, more than max_tokens_per_pack "
                    f"{max_tokens}: raise it, or pack the pairs with a smaller max_tokens"
                )
