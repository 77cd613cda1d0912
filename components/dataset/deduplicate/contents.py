"""The distinct contents of some components, in the order in which they are to be kept."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from components.dataset.deduplicate.config import DeduplicateConfig
from components.dataset.deduplicate.parts import Numbers, in_part
from components.dataset.deduplicate.signatures import content_numbers
from themis_common.stages import Context
from themis_common.text.components import connect

_COLUMNS = ["row_key", "unix_time", "num_bytes", "content", "num_shingles", "band_keys"]


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Rows in the order in which they are to be kept, and their contents, numbered in the order of their first rows.

    Attributes:
        row_keys: of the rows.
        num_shingles: of the rows, at most.
        band_keys: of the rows whose content is linked; empty for others.
        of_row: the content of each row, shape (rows,).
        first_row: the first row of each content, shape (contents,): the one that stays if the content does.
        linked: the contents that are linked to others, in order.
    """

    row_keys: pa.ChunkedArray
    num_shingles: NDArray[np.uint32]
    band_keys: pa.ChunkedArray
    of_row: NDArray[np.int64]
    first_row: NDArray[np.int64]
    linked: NDArray[np.int64]

    @property
    def number(self) -> int:
        """How many contents there are."""
        return len(self.first_row)

    def key_of(self, content: int) -> str:
        """The row that stays if the content does."""
        return str(self.row_keys[int(self.first_row[content])].as_py())


def read_contents(context: Context[DeduplicateConfig], unit: str) -> Contents:
    """The contents of the components whose smallest content is in the part `i/n`."""
    components = _Components(context)
    batches = []
    for batch in context.inputs["signatures"].batches(columns=_COLUMNS):
        roots, linked = components.look_up(content_numbers(batch["content"]))
        is_linked = pa.array(linked)
        keys = pc.if_else(is_linked, batch["band_keys"], pa.scalar(b"", pa.large_binary()))
        batch = batch.set_column(batch.schema.get_field_index("band_keys"), "band_keys", keys)
        batch = batch.append_column("linked", is_linked)
        batches.append(batch.filter(pa.array(in_part(roots, unit))))
    rows = _in_order(pa.Table.from_batches(batches), longest=context.config.keep == "longest")
    encoded = rows["content"].combine_chunks().dictionary_encode()
    of_row = encoded.indices.to_numpy().astype(np.int64)
    # contents are numbered as they are met
    first_row = np.flatnonzero(np.diff(np.maximum.accumulate(of_row), prepend=-1))
    return Contents(
        row_keys=rows["row_key"],
        num_shingles=rows["num_shingles"].to_numpy(),
        band_keys=rows["band_keys"],
        of_row=of_row,
        first_row=first_row,
        linked=np.flatnonzero(rows["linked"].to_numpy()[first_row]),
    )


def _in_order(rows: pa.Table, *, longest: bool) -> pa.Table:
    """Those to keep first come first; equals are settled by time, then by key."""
    by_size = [("num_bytes", "descending")] if longest else []
    order = pc.sort_indices(rows, [*by_size, ("unix_time", "ascending"), ("row_key", "ascending")])
    return rows.take(order)


class _Components:
    """The components over the links of all ranges of keys."""

    def __init__(self, context: Context[DeduplicateConfig]) -> None:
        left, right = bytearray(), bytearray()
        for batch in context.inputs["links"].batches(columns=["content", "linked"]):
            left += batch["content"].to_numpy().tobytes()
            right += batch["linked"].to_numpy().tobytes()
        self._linked, self._roots = connect(
            np.frombuffer(left, dtype=np.uint64), np.frombuffer(right, dtype=np.uint64)
        )

    def look_up(self, contents: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
        """The smallest content of the component of each, which is itself where nothing is linked to it."""
        if not len(self._linked):
            return contents, np.zeros(len(contents), dtype=bool)
        places = np.minimum(np.searchsorted(self._linked, contents), len(self._linked) - 1)
        linked = self._linked[places] == contents
        return np.where(linked, self._roots[places], contents), linked
