"""The order in which pairs are trained on, and a place in it that survives restarts.

The place is three integers and does not depend on the number of ranks: a checkpoint goes on at any world size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from themis_common.hashing import rng


@dataclass(frozen=True, kw_only=True)
class DataState:
    """How far the data has been consumed: `cursor` pairs into the order of `epoch`, drawn from `seed`."""

    seed: int
    epoch: int = 0
    cursor: int = 0


class PairSampler:
    """Global batches of pair numbers; every epoch is a new permutation of all pairs.

    The last batch of an epoch holds what is left; the losses divide by its own counts.

    Args:
        row_keys: keys of the pairs; a pair's number is its place here.
        batch: pairs of a full batch.
    """

    def __init__(self, row_keys: Sequence[str], batch: int, state: DataState) -> None:
        # by key, so that the order does not depend on how the dataset is sharded
        self._sorted = sorted(range(len(row_keys)), key=row_keys.__getitem__)
        self._batch = batch
        self._order_of: tuple[int, list[int]] | None = None
        self.state = state

    @property
    def steps_per_epoch(self) -> int:
        """Batches of one epoch."""
        return -(-len(self._sorted) // self._batch)

    def next_batch(self) -> list[int]:
        """The pairs of the next optimiser step."""
        order = self._order(self.state.epoch)
        batch = order[self.state.cursor : self.state.cursor + self._batch]
        cursor = self.state.cursor + len(batch)
        if cursor < len(order):
            self.state = replace(self.state, cursor=cursor)
        else:
            self.state = replace(self.state, epoch=self.state.epoch + 1, cursor=0)
        return batch

    def _order(self, epoch: int) -> list[int]:
        if self._order_of is None or self._order_of[0] != epoch:
            order = self._sorted.copy()
            rng(self.state.seed, f"epoch {epoch}", "order of pairs").shuffle(order)
            self._order_of = epoch, order
        return self._order_of[1]
