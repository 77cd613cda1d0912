"""Plans of packs: every conversation once, shared prefixes counted once, budgets kept."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from components.evaluation.score_benchmark.scalar.prefixes import packed_tokens, plan_packs
from themis_common.modeling.prefix_tree import MIN_SHARED
from themis_common.modeling.token_pair import TokenIds

# few distinct pieces, so that drawn conversations share beginnings of all lengths
_PIECES = st.lists(
    st.sampled_from([(1,) * MIN_SHARED, (2,) * (MIN_SHARED + 5), (3, 4, 5), (1, 2)]), min_size=1, max_size=5
)
_CONVERSATIONS = st.lists(_PIECES.map(lambda pieces: sum(pieces, ())), min_size=1, max_size=12)


def _arrays(conversations: Sequence[tuple[int, ...]]) -> list[TokenIds]:
    return [np.array(ids, np.int32) for ids in conversations]


def test_system_text_and_prompt_are_counted_once() -> None:
    system, prompts = (1,) * 2 * MIN_SHARED, [(2,) * MIN_SHARED, (3,) * MIN_SHARED]
    responses = [(4,) * 7, (5,) * 9]
    conversations = [system + prompt + response for prompt in prompts for response in responses]
    assert packed_tokens(_arrays(conversations)) == 2 * MIN_SHARED + 2 * MIN_SHARED + 2 * (7 + 9)
    by_key = {str(number): ids for number, ids in enumerate(_arrays(conversations))}
    assert len(plan_packs(by_key, 2 * sum(map(len, conversations)) // 3)) == 1


@given(_CONVERSATIONS, st.integers(1, 300))
def test_plans_hold_every_conversation_once_and_keep_to_the_budget(
    conversations: list[tuple[int, ...]], budget: int
) -> None:
    by_key = {f"k{number}": ids for number, ids in enumerate(_arrays(list(dict.fromkeys(conversations))))}
    packs = plan_packs(by_key, budget)
    assert sorted(key for pack in packs for key in pack) == sorted(by_key)
    assert plan_packs(dict(reversed(by_key.items())), budget) == packs
    sizes = [packed_tokens([by_key[key] for key in pack]) for pack in packs]
    assert all(size <= budget or len(pack) == 1 for pack, size in zip(packs, sizes, strict=True))
    assert sizes == sorted(sizes, reverse=True)
