"""Plans which conversations share a pack, so that shared prefixes lie in the same one and are computed once.

Conversations are sorted by their token ids: then those with the same system text, and within them those with the same
prompt, lie side by side. Packs depend on nothing but the conversations and the budget, so that a second run gives the
same bytes.
"""

from collections.abc import Mapping

from themis_common.modeling.prefix_tree import MIN_SHARED, common_tokens, prefix_tree
from themis_common.modeling.token_pair import TokenIds


def plan_packs(conversations: Mapping[str, TokenIds], budget: int) -> list[list[str]]:
    """Cut conversations into packs of at most `budget` tokens, counting shared prefixes once.

    The largest packs come first, so that a model that does not fit fails at once. A conversation longer than the
    budget makes a pack of its own.

    Args:
        conversations: token ids of every conversation, int32 (T,), by key.
    """
    packs: list[list[str]] = []
    size = 0
    before: TokenIds | None = None
    for key in sorted(conversations, key=lambda key: (_in_order(conversations[key]), key)):
        ids = conversations[key]
        # a common start is cut at a node of the tree, which lies less than MIN_SHARED tokens before its end
        shared = 0 if before is None else max(0, common_tokens(before, ids) - MIN_SHARED + 1)
        if packs and size + len(ids) - shared <= budget:
            packs[-1].append(key)
            size += len(ids) - shared
        else:
            packs.append([key])
            size = len(ids)
        before = ids
    return sorted(packs, key=lambda pack: -packed_tokens([conversations[key] for key in pack]))


def packed_tokens(conversations: list[TokenIds]) -> int:
    """Tokens of a pack of these conversations."""
    return sum(len(tokens) for tokens, _ in prefix_tree(conversations).nodes)


def _in_order(ids: TokenIds) -> bytes:
    """Bytes that sort as the token ids do; equal for equal ids."""
    return ids.astype(">i4").tobytes()
