"""Item 3: pairs a second of `score_benchmark`'s scalar path against the usual padded loop.

The loop is transformers' sequence classifier on batches of padded conversations in the order in which they come, in the
same dtype, with its default attention. Scores of both are compared before they are timed.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification

from components.evaluation.score_benchmark.scalar.encoding import Encoded
from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from components.evaluation.score_benchmark.scalar.parts import score_batches
from components.evaluation.score_benchmark.scalar.scorer import ScalarModel
from tests.benchmarks.length_sets import PairLengths, token_pairs
from tests.benchmarks.reference_trainer import PAD
from tests.gpu.cases import Case, Group, Values
from tests.gpu.comparison import classifier_folder, limit_flops, setting
from tests.gpu.device_clock import forget, peak_gib, synchronised
from tests.gpu.scale import Scale
from tests.gpu.trees import SEED, pm_lengths
from themis_common.architectures import architecture

_BATCH = 8
_COMPARED = 8
_TRAINING_OVER_FORWARD = 3

Scores = list[float]
Score = Callable[[Sequence[Encoded]], Scores]


def groups(scale: Scale) -> list[Group]:
    """One for each size."""
    return [Group(f"scoring/{size}", _cases(scale, size)) for size in scale.models]


def _cases(scale: Scale, size: str) -> dict[str, Case]:
    return {
        f"scoring/{size}/ours": partial(_time, scale, size, True),
        f"scoring/{size}/padded loop": partial(_time, scale, size, False),
    }


def _time(scale: Scale, size: str, ours: bool, workspace: Path) -> Values:
    setting_ = setting(scale, size, workspace)
    folder = classifier_folder(setting_)
    lengths = pm_lengths(scale.scored_pairs, scale)
    conversations = _conversations(lengths, setting_.config.vocab_size)
    difference = difference_of_paths(folder, scale, setting_.config.vocab_size)
    if not difference <= scale.gradient_tolerance:
        raise ValueError(f"scores of both differ by {difference:.3g} of the largest")
    score = _packed(folder, scale) if ours else _padded(folder, scale)
    # once to warm up, on a part
    score(conversations[: len(conversations) // 4])
    forget(scale.device)
    start = synchronised(scale.device)
    score(conversations)
    seconds = synchronised(scale.device) - start
    return {
        "size": size,
        "pairs": len(lengths),
        "tokens": sum(len(one.ids) for one in conversations),
        "seconds": seconds,
        "limit_flops": limit_flops(setting_.config, lengths, with_lm=False) / _TRAINING_OVER_FORWARD,
        "peak_gib": peak_gib(scale.device),
        "difference": difference,
    }


def difference_of_paths(folder: Path, scale: Scale, vocabulary: int) -> float:
    """Largest difference of a score between both ways, as a share of the largest score."""
    probe = _conversations(pm_lengths(_COMPARED, scale), vocabulary)
    padded, packed = _padded(folder, scale)(probe), _packed(folder, scale)(probe)
    assert all(map(math.isfinite, padded)), padded
    largest = max(abs(score) for score in padded)
    return max(abs(a - b) for a, b in zip(padded, packed, strict=True)) / largest


def _conversations(lengths: Sequence[PairLengths], vocabulary: int) -> list[Encoded]:
    """Both sides of every pair, one after the other."""
    whole = [
        np.concatenate([pair.prefix, side])
        for pair in token_pairs(list(lengths), vocabulary, SEED, with_preamble=True)
        for side in (pair.chosen, pair.rejected)
    ]
    return [Encoded(ids, (len(ids) - 1,)) for ids in whole]


def _packed(folder: Path, scale: Scale) -> Score:
    options = LoadOptions(dtype=scale.compute_dtype, device=scale.device)
    model: ScalarModel = load_scalar_model(folder, architecture("seqcls"), options)
    assert model.packs

    def score(conversations: Sequence[Encoded]) -> Scores:
        encoded = {f"{number:08d}": one for number, one in enumerate(conversations)}
        batches = model.plan(encoded, scale.score_budget)
        found = dict(score_batches(model, encoded, batches))
        scores = [found[key].score for key in encoded]
        return [score for score in scores if score is not None]

    return score


def _padded(folder: Path, scale: Scale) -> Score:
    classifier: nn.Module = AutoModelForSequenceClassification.from_pretrained(folder, dtype=scale.dtype)
    classifier.to(scale.device).eval()

    @torch.inference_mode()
    def score(conversations: Sequence[Encoded]) -> Scores:
        scores: Scores = []
        for start in range(0, len(conversations), _BATCH):
            rows = [torch.from_numpy(one.ids).long() for one in conversations[start : start + _BATCH]]
            ids = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD).to(scale.device)
            logits: Tensor = classifier(input_ids=ids, attention_mask=(ids != PAD).long()).logits
            scores += logits.float().squeeze(-1).tolist()
        return scores

    return score
