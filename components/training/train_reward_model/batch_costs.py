"""What the pairs of one optimiser step cost when those of a pack share the start of their prompts.

Most prompts begin with the same system text, which a pack computes once (`themis_common/modeling/packing.py`). Dealing
by the cost of every pair alone would give ranks with many short pairs too little: 6 % of a step at 64 ranks.
"""

from collections import defaultdict
from collections.abc import Sequence

from components.training.train_reward_model.dealing import PairCost
from themis_common.modeling.prefix_tree import MIN_SHARED, common_tokens
from themis_common.modeling.token_pair import TokenPair

_SPREAD = 2
"""Pairs with a common start that there must be for each rank: then a pack rarely holds only one of them."""


def batch_costs(batch: Sequence[TokenPair], cost: PairCost, ranks: int) -> list[float]:
    """The cost of every pair, without the start that it is going to share wherever it is dealt to.

    A pack pays for such a start once, whatever it holds; that is as much for all packs and left out.
    """
    costs = [cost(pair) for pair in batch]
    groups: dict[bytes, list[int]] = defaultdict(list)
    for number, pair in enumerate(batch):
        if len(pair.prefix) >= MIN_SHARED:
            groups[pair.prefix[:MIN_SHARED].tobytes()].append(number)
    for numbers in groups.values():
        if len(numbers) >= max(2, _SPREAD * ranks):
            prefixes = sorted((batch[number].prefix for number in numbers), key=lambda ids: ids.tobytes())
            # the first and the last in order differ earliest
            start = cost.of_start(common_tokens(prefixes[0], prefixes[-1]))
            for number in numbers:
                costs[number] -= start
    return costs
