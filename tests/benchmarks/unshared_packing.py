"""Packing with sharing off: both conversations of a pair whole, one after the other, without padding.

What trainers that unpad do (OpenRLHF, ms-swift on Megatron); the same model computes on it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from themis_common.modeling.packing import PairPack, SegmentForest
from themis_common.modeling.token_pair import TokenPair


def pack_without_sharing(pairs: Sequence[TokenPair]) -> PairPack:
    """`pairs` as one packed row in which every conversation is a segment of its own."""
    forest = SegmentForest()
    chosen_rows, rejected_rows, lm_rows, lm_labels = [], [], [], []
    for pair in pairs:
        whole = np.concatenate([pair.prefix, pair.chosen])
        chosen = forest.add(whole)
        rejected = forest.add(np.concatenate([pair.prefix, pair.rejected]))
        chosen_rows.append(forest.rows(chosen)[-1:])
        rejected_rows.append(forest.rows(rejected)[-1:])
        lm_rows.append(forest.rows(chosen)[pair.prompt_tokens - 1 : -1])
        lm_labels.append(whole[pair.prompt_tokens :])
    return PairPack(
        token_ids=forest.token_ids(),
        positions=forest.positions(),
        segments=forest.segments(),
        chosen_rows=_joined(chosen_rows),
        rejected_rows=_joined(rejected_rows),
        lm_rows=_joined(lm_rows),
        lm_labels=_joined(lm_labels),
        row_keys=tuple(pair.row_key for pair in pairs),
    )


def _joined(parts: Sequence[NDArray[np.integer]]) -> Tensor:
    return torch.from_numpy(np.concatenate(parts).astype(np.int64))
