"""Deals the pairs of one optimiser step to ranks and micro-steps so that all finish at the same time.

With sharded weights every layer is a collective, so each micro-step lasts as long as its slowest rank. Dealing at
random loses 58 % of a step at 64 ranks, dealing by cost 1 % (facts/training_peers.md section 2.5).
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PretrainedConfig

from themis_common.modeling.token_pair import TokenPair

_SLOPES = (0.0, 0.3, 0.6, 0.9)
"""By what share of the mean slot the last micro-step is to be shorter than the first. A pair that costs more than the
mean slot makes one micro-step long; then it pays to make that one long for all ranks, and another one short."""


@dataclass(frozen=True, slots=True)
class PairCost:
    """FLOPs of training on a pair, up to one common factor.

    Attributes:
        per_token: of the weight matrices of all layers, for one token.
        per_attended: of attention, for one (query, key) pair.
        per_label: of the output embedding, for one predicted token.
    """

    per_token: float
    per_attended: float
    per_label: float

    @classmethod
    def of_model(cls, config: PretrainedConfig) -> "PairCost":
        """The costs of a decoder with gated MLPs and grouped attention heads."""
        heads = config.num_attention_heads
        head_dim = getattr(config, "head_dim", None) or config.hidden_size // heads
        key_value_heads = getattr(config, "num_key_value_heads", None) or heads
        projections = config.hidden_size * head_dim * (2 * heads + 2 * key_value_heads)
        mlp = 3 * config.hidden_size * config.intermediate_size
        return cls(
            per_token=config.num_hidden_layers * 2 * (projections + mlp),
            per_attended=config.num_hidden_layers * 4 * heads * head_dim,
            per_label=2 * config.vocab_size * config.hidden_size,
        )

    def of_start(self, tokens: int) -> float:
        """The cost of the first tokens of a pair's prefix."""
        return tokens * self.per_token + _triangle(tokens) * self.per_attended

    def __call__(self, pair: TokenPair) -> float:
        """The cost of one pair in the shared-prefix layout."""
        prefix, chosen, rejected = len(pair.prefix), len(pair.chosen), len(pair.rejected)
        attended = _triangle(prefix + chosen) + rejected * prefix + _triangle(rejected)
        return (
            pair.num_tokens * self.per_token + attended * self.per_attended + pair.num_labels * self.per_label
        )


def deal(costs: Sequence[float], tokens: Sequence[int], ranks: int, max_tokens: int) -> list[list[list[int]]]:
    """Assign every pair to one slot; all ranks get equally many micro-steps.

    Args:
        costs, tokens: of each pair; every pair fits into `max_tokens` by itself.
        max_tokens: most packed tokens of a slot.

    Returns:
        Numbers of the pairs of slot [micro-step][rank]; a slot may be empty.
    """
    assert max(tokens, default=0) <= max_tokens, "a pair is larger than a slot"
    micro_steps = max(1, -(-sum(tokens) // (ranks * max_tokens)))
    while not (dealt := _deal_evenly(costs, tokens, ranks, micro_steps, max_tokens)):
        micro_steps += 1
    return min(dealt, key=lambda slots: longest(slots, costs))


def longest(slots: list[list[list[int]]], costs: Sequence[float]) -> float:
    """How long the step lasts, in units of cost: the costliest slot of every micro-step."""
    return sum(max(sum(costs[pair] for pair in slot) for slot in micro_step) for micro_step in slots)


def _deal_evenly(
    costs: Sequence[float], tokens: Sequence[int], ranks: int, micro_steps: int, max_tokens: int
) -> list[list[list[list[int]]]]:
    """Ways to deal in so many micro-steps; none where a pair finds no room."""
    mean = sum(costs) / (ranks * micro_steps)
    found = []
    for slope in _SLOPES if micro_steps > 1 else _SLOPES[:1]:
        heads = [
            slope * mean * step / max(1, micro_steps - 1) for step in range(micro_steps) for _ in range(ranks)
        ]
        slots = _fill(costs, tokens, heads, max_tokens)
        if slots is not None:
            # neighbours in cost meet in one micro-step
            slots.sort(key=lambda slot: (-sum(costs[pair] for pair in slot), slot))
            found.append([slots[step * ranks : (step + 1) * ranks] for step in range(micro_steps)])
    return found


def _fill(
    costs: Sequence[float], tokens: Sequence[int], heads: Sequence[float], max_tokens: int
) -> list[list[int]] | None:
    """Costliest pair first, each into the cheapest slot with room; None where one finds no room.

    Args:
        heads: for each slot, what it is to count as holding from the start.
    """
    slots: list[list[int]] = [[] for _ in heads]
    filled = [0] * len(heads)
    cheapest = sorted((head, slot) for slot, head in enumerate(heads))
    for pair in sorted(range(len(costs)), key=lambda pair: (-costs[pair], pair)):
        full = []
        while cheapest and filled[cheapest[0][1]] + tokens[pair] > max_tokens:
            full.append(heapq.heappop(cheapest))
        if not cheapest:
            return None
        cost, slot = heapq.heappop(cheapest)
        slots[slot].append(pair)
        filled[slot] += tokens[pair]
        for entry in [*full, (cost + costs[pair], slot)]:
            heapq.heappush(cheapest, entry)
    return slots


def _triangle(n: int) -> int:
    return n * (n + 1) // 2
