"""What all sides of a comparison compute on: one model folder, one set of pairs, the same pairs in the same steps."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from transformers import PretrainedConfig

from components.training.export_model.classifier import write_classifier
from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.sampler import DataState, PairSampler
from tests.benchmarks import flops
from tests.benchmarks.flops import Work
from tests.benchmarks.length_sets import PM, PT, PairLengths, scaled, token_pairs
from tests.benchmarks.reference_trainer import MICRO_BATCH
from tests.gpu.model_folder import model_folder
from tests.gpu.scale import Scale
from tests.gpu.trees import SEED
from themis_common.modeling.token_pair import TokenPair

SetName = Literal["PM", "PT"]
Layout = Literal["shared", "unshared", "padded", "padded together"]
"""How pairs lie in memory; `padded together` is TRL's, both sides of a micro-batch to one length."""

_SETS = {"PM": PM, "PT": PT}
_RECOMPUTED = 4 / 3
"""FLOPs of three passes, of which the forward one is done twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Model and pairs.

    Attributes:
        lengths, pairs: of all steps, warm ones included.
    """

    config: PretrainedConfig
    folder: Path
    lengths: list[PairLengths]
    pairs: list[TokenPair]

    def batches(self, training: TrainRewardModelConfig) -> list[list[int]]:
        """Numbers of the pairs of every step, as the trainer draws them."""
        keys = [pair.row_key for pair in self.pairs]
        sampler = PairSampler(keys, training.global_batch, DataState(seed=training.seed))
        return [sampler.next_batch() for _ in range(sampler.steps_per_epoch)]


def setting(
    scale: Scale, size: str, workspace: Path, name: SetName = "PM", *, with_preamble: bool = False
) -> Setting:
    """The setting of a model size; the model folder is made where it is missing."""
    model = scale.models[size]
    config = model.config()
    number = model.pairs_per_step * (scale.warm_steps + scale.steps)
    lengths = _SETS[name].draw(number, SEED)
    if scale.length_factor != 1:
        lengths = scaled(lengths, scale.length_factor)
    return Setting(
        config=config,
        folder=model_folder(workspace / f"model-{size}", config, scale.device),
        lengths=lengths,
        pairs=token_pairs(lengths, config.vocab_size, SEED, with_preamble=with_preamble),
    )


def classifier_folder(setting: Setting) -> Path:
    """The model as a sequence classifier, written by the export stage's code where it is missing."""
    folder = setting.folder.with_name(f"{setting.folder.name}-classifier")
    if not folder.exists():
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        write_classifier(setting.folder, unfinished, "bfloat16")
        os.replace(unfinished, folder)
    return folder


def limit_flops(config: PretrainedConfig, lengths: Sequence[PairLengths], *, with_lm: bool) -> float:
    """FLOPs of training on pairs at least: each prompt once, nothing padded, nothing computed twice."""
    return _work("shared", lengths, MICRO_BATCH, with_lm=with_lm).flops(config)


def executed_flops(
    config: PretrainedConfig,
    lengths: Sequence[PairLengths],
    layout: Layout,
    micro_batch: int = MICRO_BATCH,
    *,
    with_lm: bool,
    recompute: bool,
) -> float:
    """FLOPs that a layout makes the device compute; `lengths` in the order in which they are taken."""
    work = _work(layout, lengths, micro_batch, with_lm=with_lm)
    layers = Work(work.rows, work.attended, 0).flops(config)
    return work.flops(config) + (layers * (_RECOMPUTED - 1) if recompute else 0)


def _work(layout: Layout, lengths: Sequence[PairLengths], micro_batch: int, *, with_lm: bool) -> Work:
    if layout == "shared":
        work = flops.shared(lengths, flash=True)
    elif layout == "unshared":
        work = flops.unshared(lengths)
    elif layout == "padded":
        work = flops.padded(lengths, micro_batch, flash=True)
    else:
        work = _padded_together(lengths, micro_batch)
    return work if with_lm else Work(work.rows, work.attended, 0)


def _padded_together(lengths: Sequence[PairLengths], micro_batch: int) -> Work:
    rows = attended = 0.0
    for start in range(0, len(lengths), micro_batch):
        batch = lengths[start : start + micro_batch]
        longest = max(pair.prompt + max(pair.chosen, pair.rejected) for pair in batch)
        rows += 2 * len(batch) * longest
        attended += 2 * len(batch) * longest**2
    return Work(rows, attended, 0)
