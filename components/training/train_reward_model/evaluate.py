"""How well held-out pairs are ordered: accuracy, margin and loss, in all and by criterion and language."""

import math
from collections import defaultdict
from collections.abc import Iterator

import torch

from components.training.train_reward_model.dealing import PairCost, deal
from components.training.train_reward_model.metrics import ALL, MetricRow
from components.training.train_reward_model.pair_file import PairFile
from components.training.train_reward_model.parallel import Ranks
from themis_common.modeling.model import RewardModel
from themis_common.modeling.packing import pack_pairs


def evaluate(
    model: RewardModel, pairs: PairFile, step: int, cost: PairCost, max_tokens: int, ranks: Ranks
) -> list[MetricRow]:
    """Score all pairs through the packs that training uses; every rank returns the same rows."""
    margins = _margins(model, pairs, cost, max_tokens, ranks)
    slices: dict[str, list[float]] = defaultdict(list)
    for number in sorted(margins, key=pairs.row_keys.__getitem__):
        for name in (ALL, pairs.criteria[number], pairs.languages[number]):
            slices[name].append(margins[number])
    return [
        MetricRow(step=step, metric=f"held_out/{metric}", slice=name, value=value)
        for name, found in sorted(slices.items())
        for metric, value in _statistics(found)
    ]


def _margins(
    model: RewardModel, pairs: PairFile, cost: PairCost, max_tokens: int, ranks: Ranks
) -> dict[int, float]:
    loaded = [pairs.pair(number) for number in range(len(pairs))]
    slots = deal(
        [cost(pair) for pair in loaded], [pair.num_tokens for pair in loaded], ranks.world, max_tokens
    )
    own: dict[int, float] = {}
    model.eval()
    with torch.no_grad():
        for micro_step in slots:
            numbers = micro_step[ranks.rank]
            pack = pack_pairs([loaded[number] for number in numbers]).to(ranks.device)
            chosen, rejected, _ = model(pack, with_lm=False)
            own.update(zip(numbers, (chosen - rejected).tolist(), strict=True))
    model.train()
    return {number: margin for part in ranks.gather(own) for number, margin in part.items()}


def _statistics(margins: list[float]) -> Iterator[tuple[str, float]]:
    yield "accuracy", sum(margin > 0 for margin in margins) / len(margins)
    yield "margin", math.fsum(margins) / len(margins)
    yield "bt", math.fsum(_softplus(-margin) for margin in margins) / len(margins)
    yield "pairs", float(len(margins))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
