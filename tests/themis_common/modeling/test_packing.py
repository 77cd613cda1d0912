from dataclasses import fields, replace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from themis_common.modeling.packing import PairPack, SegmentForest, pack_pairs
from themis_common.modeling.token_pair import TokenPair


def ids(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int32)


def test_a_segment_sees_its_ancestors_and_itself_and_goes_on_with_their_positions() -> None:
    forest = SegmentForest()
    system = forest.add(ids(1, 2))
    prompt = forest.add(ids(3), system)
    forest.add(ids(4, 5), prompt)
    forest.add(ids(6), prompt)
    forest.add(ids(7))

    assert forest.token_ids().tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert forest.positions().tolist() == [0, 1, 2, 3, 4, 3, 0]
    segments = forest.segments()
    seen = [segments.kv_rows[k_start:k_end].tolist() for _, _, k_start, k_end in segments.bounds]
    assert seen == [[0, 1], [0, 1, 2], [0, 1, 2, 3, 4], [0, 1, 2, 5], [6]]
    assert segments.cu_q.tolist() == [0, 2, 3, 5, 6, 7]
    assert (segments.max_q, segments.max_k) == (2, 5)


def test_a_pair_is_scored_at_its_last_tokens_and_predicted_from_the_end_of_its_prompt() -> None:
    # prompt 10 11, shared response token 12, chosen goes on with 13 14, rejected with 15
    pack = pack_pairs([TokenPair("a", ids(10, 11, 12), ids(13, 14), ids(15), prompt_tokens=2)])

    assert pack.chosen_rows.tolist() == [4]
    assert pack.rejected_rows.tolist() == [5]
    assert pack.lm_rows.tolist() == [1, 2, 3]
    assert pack.lm_labels.tolist() == [12, 13, 14]


def test_label_and_token_counts_agree_with_the_pack(pairs: list[TokenPair]) -> None:
    pack = pack_pairs(pairs)
    assert len(pack.token_ids) == sum(pair.num_tokens for pair in pairs)
    assert len(pack.lm_labels) == sum(pair.num_labels for pair in pairs)
    assert pack.row_keys == tuple(pair.row_key for pair in pairs)


def test_no_pairs_give_a_row_that_nothing_is_read_from() -> None:
    pack = pack_pairs([])
    assert len(pack.token_ids) == 1
    assert len(pack.chosen_rows) == len(pack.lm_rows) == 0


def test_a_side_without_a_token_of_its_own_is_refused() -> None:
    with pytest.raises(AssertionError, match="no token of its own"):
        TokenPair("a", ids(1), ids(), ids(2), prompt_tokens=1)


def test_pairs_of_a_pack_share_the_start_of_their_prompts() -> None:
    system = ids(*range(40))
    prompts = [ids(*system, 50), ids(*system, 60, 61)]
    pairs = [TokenPair(str(n), prompt, ids(70, 71), ids(72), len(prompt)) for n, prompt in enumerate(prompts)]
    pack = pack_pairs(pairs)
    assert pack.token_ids.tolist() == [*system, 50, 60, 61, 70, 71, 72, 70, 71, 72]
    assert pack.lm_rows.tolist() == [40, 43, 42, 46]
    assert pack.lm_labels.tolist() == [70, 71, 70, 71]
    seen = [pack.segments.kv_rows[start:end].tolist() for _, _, start, end in pack.segments.bounds]
    assert seen[2] == [*range(40), 41, 42]
    assert seen[-1] == [*range(40), 41, 42, 48]


@pytest.mark.parametrize("number", [0, 3])
def test_padding_fills_up_to_a_multiple_beyond_all_positions_and_rows_in_use(
    pairs: list[TokenPair], number: int
) -> None:
    plain, padded = pack_pairs(pairs[:number]), pack_pairs(pairs[:number], pad_to_multiple=512)
    used = len(plain.token_ids)
    assert len(padded.token_ids) == 512
    assert padded.token_ids[:used].tolist() == plain.token_ids.tolist()
    assert padded.positions.max() < 128
    assert padded.lm_rows.tolist() == plain.lm_rows.tolist()
    num_segments = len(plain.segments.bounds)
    assert padded.segments.bounds[:num_segments] == plain.segments.bounds
    for q_start, _, k_start, k_end in padded.segments.bounds[num_segments:]:
        assert padded.segments.kv_rows[k_start:k_end].min() == q_start >= used


class RowsSomewhere(NamedTuple):
    """As much of a tensor as moving needs, on a machine without a GPU."""

    device: torch.device
    pinned: bool = False
    waited_for: bool = True

    def pin_memory(self) -> "RowsSomewhere":
        assert self.device.type == "cpu", "only host memory is pinned"
        return self._replace(pinned=True)

    def to(self, device: torch.device, non_blocking: bool = False) -> "RowsSomewhere":
        return self._replace(device=device, waited_for=not non_blocking)


def tensors(pack: PairPack) -> list[Any]:
    parts = (getattr(part, field.name) for part in (pack, pack.segments) for field in fields(part))
    return [part for part in parts if isinstance(part, torch.Tensor | RowsSomewhere)]


@pytest.mark.parametrize(
    ("origin", "target", "pinned", "waited_for"),
    # the host goes on beside a copy to a GPU; what comes from there it may read at once
    [("cpu", "cuda:0", True, False), ("cpu", "cpu", False, True), ("cuda:0", "cpu", False, True)],
)
def test_a_pack_goes_to_a_gpu_from_pinned_memory(
    pairs: list[TokenPair], origin: str, target: str, pinned: bool, waited_for: bool
) -> None:
    rows: Any = RowsSomewhere(torch.device(origin))
    pack = pack_pairs(pairs)
    names = ("token_ids", "positions", "chosen_rows", "rejected_rows", "lm_rows", "lm_labels")
    segments = replace(pack.segments, **dict.fromkeys(("cu_q", "cu_k", "kv_rows"), rows))
    moved = replace(pack, segments=segments, **dict.fromkeys(names, rows)).to(torch.device(target))
    assert len(tensors(pack)) == 9
    assert tensors(moved) == 9 * [RowsSomewhere(torch.device(target), pinned, waited_for)]


def test_a_pack_that_stays_where_it_is_is_not_copied(pairs: list[TokenPair]) -> None:
    pack = pack_pairs(pairs)
    assert all(a is b for a, b in zip(tensors(pack), tensors(pack.to(torch.device("cpu"))), strict=True))
