"""How well held-out pairs are ordered: accuracy, margin and loss by criterion and language, and where rewards lie."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import torch

from components.training.train_reward_model.dealing import PairCost, deal
from components.training.train_reward_model.metrics import ALL, MetricRow
from components.training.train_reward_model.pair_file import PairFile
from components.training.train_reward_model.parallel import Ranks
from themis_common.modeling.model import RewardModel
from themis_common.modeling.packing import pack_pairs

Rewards = dict[int, tuple[float, float]]
"""Chosen and rejected, by the number of the pair."""
_MOST_BINS = 24


def evaluate(
    model: RewardModel, pairs: PairFile, step: int, cost: PairCost, max_tokens: int, ranks: Ranks
) -> list[MetricRow]:
    """Score all pairs through the packs that training uses; every rank returns the same rows."""
    rewards = _rewards(model, pairs, cost, max_tokens, ranks)
    slices: dict[str, list[float]] = defaultdict(list)
    for number in sorted(rewards, key=pairs.row_keys.__getitem__):
        chosen, rejected = rewards[number]
        for name in (ALL, pairs.criteria[number], pairs.languages[number]):
            slices[name].append(chosen - rejected)
    rows = [
        MetricRow(step=step, metric=f"held_out/{metric}", slice=name, value=value)
        for name, found in sorted(slices.items())
        for metric, value in _statistics(found)
    ]
    return rows + [
        MetricRow(step=step, metric=f"histogram/{side}", slice=name, value=float(count))
        for side, name, count in histogram(rewards.values())
    ]


def _rewards(model: RewardModel, pairs: PairFile, cost: PairCost, max_tokens: int, ranks: Ranks) -> Rewards:
    loaded = [pairs.pair(number) for number in range(len(pairs))]
    slots = deal(
        [cost(pair) for pair in loaded], [pair.num_tokens for pair in loaded], ranks.world, max_tokens
    )
    numbers: list[int] = []
    scored = []
    model.eval()
    with torch.no_grad():
        for micro_step in slots:
            own = micro_step[ranks.rank]
            pack = pack_pairs([loaded[number] for number in own]).to(ranks.device)
            chosen, rejected, _ = model(pack, with_lm=False)
            numbers += own
            scored.append(torch.stack([chosen, rejected], dim=1))  # (P, 2)
    model.train()
    own_rewards = dict(zip(numbers, map(tuple, torch.cat(scored).tolist()), strict=True))
    return {number: found for part in ranks.gather(own_rewards) for number, found in part.items()}


def histogram(rewards: Iterable[tuple[float, float]]) -> Iterator[tuple[str, str, int]]:
    """Side, bin as its ends ("-1..-0.5"), and number of rewards in it.

    All bins are 1, 2 or 5 times a power of ten wide, the narrowest such width with no more than 24 of them; empty ones
    are left out.
    """
    sides = dict(zip(("chosen", "rejected"), zip(*rewards, strict=True), strict=True))
    values = [value for side in sides.values() for value in side if math.isfinite(value)]
    if not values:
        return
    low, high = min(values), max(values)
    exponent = math.floor(math.log10((high - low) / _MOST_BINS)) if high > low else 0
    digits = max(0, -exponent)
    width = next(
        factor * 10.0**exponent
        for factor in (1, 2, 5, 10, 20)
        if math.floor(high / (factor * 10.0**exponent)) - math.floor(low / (factor * 10.0**exponent))
        < _MOST_BINS
    )
    for side, found in sides.items():
        counts = Counter(math.floor(value / width) for value in found if math.isfinite(value))
        for place in sorted(counts):
            ends = (round(edge * width, digits) + 0.0 for edge in (place, place + 1))
            yield side, "..".join(f"{end:g}" for end in ends), counts[place]


def _statistics(margins: list[float]) -> Iterator[tuple[str, float]]:
    yield "accuracy", sum(margin > 0 for margin in margins) / len(margins)
    yield "margin", math.fsum(margins) / len(margins)
    yield "bt", math.fsum(_softplus(-margin) for margin in margins) / len(margins)
    yield "pairs", float(len(margins))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
