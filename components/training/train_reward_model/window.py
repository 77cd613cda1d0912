"""The steps since somebody last looked: their numbers wait on the device, so that looking is the only host sync."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from components.training.train_reward_model.metrics import StepSums
from components.training.train_reward_model.parallel import Ranks
from themis_common.modeling.model import PairOutputs
from themis_common.modeling.packing import PairPack


@dataclass(frozen=True, kw_only=True)
class PackOutputs:
    """What a pack gave, to find the rows that are to blame: keys, and () or (P,) tensors without gradient."""

    row_keys: tuple[str, ...]
    num_labels: int
    outputs: PairOutputs

    @classmethod
    def of(cls, pack: PairPack, outputs: PairOutputs) -> "PackOutputs":
        """The pack's outputs, cut off from its graph."""
        detached = PairOutputs(*(tensor.detach() for tensor in outputs))
        return cls(row_keys=pack.row_keys, num_labels=len(pack.lm_labels), outputs=detached)


@dataclass(frozen=True, kw_only=True)
class StepRecord:
    """One optimiser step that nobody has looked at.

    Attributes:
        step: counted from 1.
        norm: () the norm of the whole gradient, before clipping.
        packs: of this rank.
        batch: row keys of all ranks.
    """

    step: int
    rate: float
    sums: StepSums
    norm: Tensor
    packs: list[PackOutputs]
    batch: tuple[str, ...]


@dataclass(kw_only=True)
class Window:
    """Steps in their order, and what all ranks say of them together."""

    ranks: Ranks
    records: list[StepRecord] = field(default_factory=list)

    def look(self) -> list[tuple[StepRecord, dict[str, float]]]:
        """The steps with their means over all ranks, and an empty window from here on; all ranks call this together."""
        records, self.records = self.records, []
        numbers = [
            torch.cat([record.sums.tensor, record.norm.to(record.sums.tensor).view(1)]) for record in records
        ]
        # in the order of ranks on every rank, whatever the number of steps: the sums do not depend on when one looks
        parts = self.ranks.gather(torch.stack(numbers).tolist())
        looked = []
        for number, record in enumerate(records):
            *own, norms = zip(*(part[number] for part in parts), strict=True)
            values = record.sums.means(map(_sum, own))
            # the norm is that of the whole gradient on every rank
            values |= {"grad_norm": norms[0], "learning_rate": record.rate}
            looked.append((record, values))
        return looked


def _sum(values: Iterable[float]) -> float:
    found = list(values)
    # infinities of both signs have no sum
    return math.fsum(found) if all(map(math.isfinite, found)) else math.nan
