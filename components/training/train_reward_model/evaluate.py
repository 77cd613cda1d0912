"""What held-out pairs show: accuracy, margin and loss by criterion and language, language-model loss, histograms."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import torch

from components.training.train_reward_model.config import TrainRewardModelConfig
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
    model: RewardModel,
    pairs: PairFile,
    step: int,
    cost: PairCost,
    config: TrainRewardModelConfig,
    ranks: Ranks,
) -> list[MetricRow]:
    """Score all pairs through the packs that training uses; every rank returns the same rows.

    The language-model loss, where it is part of the objective, comes from the same forward pass, so it is known for
    all pairs together and not by criterion and language.
    """
    rewards, lm_loss = _outputs(model, pairs, cost, config, ranks)
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
    if config.lm_weight:
        rows.append(MetricRow(step=step, metric="held_out/lm", slice=ALL, value=lm_loss))
    return rows + [
        MetricRow(step=step, metric=f"histogram/{side}", slice=name, value=float(count))
        for side, name, count in histogram(rewards.values())
    ]


def _outputs(
    model: RewardModel, pairs: PairFile, cost: PairCost, config: TrainRewardModelConfig, ranks: Ranks
) -> tuple[Rewards, float]:
    """All rewards, and the mean language-model loss of a labelled token; 0 where that is not asked for."""
    loaded = [pairs.pair(number) for number in range(len(pairs))]
    slots = deal(
        [cost(pair) for pair in loaded],
        [pair.num_tokens for pair in loaded],
        ranks.world,
        config.max_tokens_per_pack,
    )
    numbers: list[int] = []
    scored = []
    lm_losses = []
    model.eval()
    with torch.no_grad():
        for micro_step in slots:
            own = micro_step[ranks.rank]
            pack = pack_pairs([loaded[number] for number in own]).to(ranks.device)
            chosen, rejected, lm_loss = model(pack, with_lm=config.lm_weight > 0)
            numbers += own
            scored.append(torch.stack([chosen, rejected], dim=1))  # (P, 2)
            lm_losses.append(lm_loss)
    model.train()
    own_rewards = dict(zip(numbers, map(tuple, torch.cat(scored).tolist()), strict=True))
    parts = ranks.gather((own_rewards, torch.stack(lm_losses).tolist()))
    rewards = {number: found for found_there, _ in parts for number, found in found_there.items()}
    lm_sum = math.fsum(lm_loss for _, found_there in parts for lm_loss in found_there)
    return rewards, lm_sum / max(1, sum(pair.num_labels for pair in loaded))


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
