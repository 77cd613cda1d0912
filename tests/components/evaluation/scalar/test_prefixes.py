"""Packs of conversations: every token where it belongs, shared prefixes once, budgets kept."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from components.evaluation.score_benchmark.scalar.prefixes import BLOCK, PrefixPack, plan_packs
from themis_common.modeling.token_pair import TokenIds

# few distinct pieces, so that drawn conversations share beginnings of all lengths
_PIECES = st.lists(
    st.sampled_from([(1,) * BLOCK, (2,) * (BLOCK + 5), (3, 4, 5), (1, 2)]), min_size=1, max_size=5
)
_CONVERSATIONS = st.lists(_PIECES.map(lambda pieces: sum(pieces, ())), min_size=1, max_size=12)


def _arrays(conversations: Sequence[tuple[int, ...]]) -> list[TokenIds]:
    return [np.array(ids, np.int32) for ids in conversations]


@given(_CONVERSATIONS)
def test_every_conversation_can_be_read_back_in_order(conversations: list[tuple[int, ...]]) -> None:
    pack = PrefixPack(_arrays(conversations))
    tokens, positions = pack.forest.token_ids(), pack.forest.positions()
    for ids, rows in zip(conversations, pack.rows, strict=True):
        assert tuple(tokens[rows].tolist()) == ids
        assert positions[rows].tolist() == list(range(len(ids)))


@given(_CONVERSATIONS)
def test_a_conversation_attends_to_its_own_tokens_alone(conversations: list[tuple[int, ...]]) -> None:
    pack = PrefixPack(_arrays(conversations))
    segments = pack.forest.segments()
    for rows in pack.rows:
        last = int(rows[-1])
        seen = next(
            segments.kv_rows[k_start:k_end]
            for q_start, q_end, k_start, k_end in segments.bounds
            if q_start <= last < q_end
        )
        assert seen[: len(rows)].tolist() == rows.tolist()


def test_system_text_and_prompt_are_stored_once() -> None:
    system, prompts = (1,) * 2 * BLOCK, [(2,) * BLOCK, (3,) * BLOCK]
    responses = [(4,) * 7, (5,) * 9]
    conversations = [system + prompt + response for prompt in prompts for response in responses]
    pack = PrefixPack(_arrays(conversations))
    assert len(pack.forest.token_ids()) == 2 * BLOCK + 2 * BLOCK + 2 * (7 + 9)
    assert pack.positions_of([(0, len(ids) - 1) for ids in conversations])[:, 0].unique().tolist() == [0]


def test_a_few_equal_tokens_are_not_shared() -> None:
    pack = PrefixPack(_arrays([(1, 2, 3), (1, 2, 4)]))
    assert len(pack.forest.token_ids()) == 6


@given(_CONVERSATIONS, st.integers(1, 300))
def test_plans_hold_every_conversation_once_and_keep_to_the_budget(
    conversations: list[tuple[int, ...]], budget: int
) -> None:
    by_key = {f"k{number}": ids for number, ids in enumerate(_arrays(list(dict.fromkeys(conversations))))}
    packs = plan_packs(by_key, budget)
    assert sorted(key for pack in packs for key in pack) == sorted(by_key)
    assert plan_packs(dict(reversed(by_key.items())), budget) == packs
    sizes = [len(PrefixPack([by_key[key] for key in pack]).forest.token_ids()) for pack in packs]
    assert all(size <= budget or len(pack) == 1 for pack, size in zip(packs, sizes, strict=True))
    assert sizes == sorted(sizes, reverse=True)
