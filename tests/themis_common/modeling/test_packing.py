import numpy as np
import pytest

from themis_common.modeling.packing import SegmentForest, pack_pairs
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
