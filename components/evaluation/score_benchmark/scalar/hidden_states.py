"""Hidden states of conversations at given positions: packed where the body can, padded where it cannot.

Shapes: N conversations, P positions, T tokens, h hidden size.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from components.evaluation.score_benchmark.scalar.encoding import Encoded
from themis_common.modeling.packing import SegmentForest


def read_packed(body: PreTrainedModel, batch: Sequence[Encoded], device: torch.device) -> Tensor:
    """(N, P, h) from one row without padding, in which shared prefixes stand once."""
    forest = SegmentForest()
    ends = forest.add_sequences([one.ids for one in batch])
    hidden = body(
        input_ids=forest.token_ids()[None].to(device),
        position_ids=forest.positions()[None].to(device),
        use_cache=False,
        segments=forest.segments().to(device),
    ).last_hidden_state[0]  # (T, h)
    rows = [forest.sequence_rows(end)[list(one.positions)] for end, one in zip(ends, batch, strict=True)]
    states: Tensor = hidden[torch.from_numpy(np.stack(rows)).to(hidden.device)]
    return states


def read_padded(body: PreTrainedModel, batch: Sequence[Encoded], device: torch.device) -> Tensor:
    """(N, P, h) from rows that are padded on the right."""
    width = max(len(one.ids) for one in batch)
    ids = torch.zeros((len(batch), width), dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, one in enumerate(batch):
        ids[row, : len(one.ids)] = torch.from_numpy(one.ids)
        mask[row, : len(one.ids)] = 1
    hidden = body(
        input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False
    ).last_hidden_state  # (N, T, h)
    positions = torch.tensor([one.positions for one in batch], device=hidden.device)
    states: Tensor = hidden[torch.arange(len(batch), device=hidden.device)[:, None], positions]
    return states
