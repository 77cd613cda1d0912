"""What a trainer reads: a memory-mapped file of pairs, and the job that names it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.job import Job
from components.training.train_reward_model.pair_file import write_pair_file
from components.training.train_reward_model.parallel import Ranks, joined_ranks
from tests.gpu.scale import Scale
from themis_common.modeling.token_pair import TokenPair
from themis_common.schemas import TOKENISED_PAIRS

_ALONE = {
    "RANK": "0",
    "LOCAL_RANK": "0",
    "WORLD_SIZE": "1",
    "MASTER_ADDR": "localhost",
    # any that is free
    "MASTER_PORT": "0",
}


def make_job(
    folder: Path, model: Path, pairs: Sequence[TokenPair], config: TrainRewardModelConfig, held_out: int = 0
) -> Job:
    """A job whose files lie in a new `folder`; the last `held_out` pairs are not trained on."""
    (folder / "checkpoints").mkdir(parents=True)
    rows = [
        {
            "row_key": pair.row_key,
            "prefix_ids": pair.prefix,
            "chosen_ids": pair.chosen,
            "rejected_ids": pair.rejected,
            "prompt_tokens": pair.prompt_tokens,
            "truncated": False,
            "language": "Python",
            "criterion": "Runtime_Efficiency",
            "split": "train" if number < len(pairs) - held_out else "held_out",
        }
        for number, pair in enumerate(pairs)
    ]
    write_pair_file(
        pa.Table.from_pylist(rows, schema=TOKENISED_PAIRS.columns).to_batches(), folder / "pairs.arrow"
    )
    return Job(
        identity="benchmark",
        config=config,
        model=model,
        pairs=folder / "pairs.arrow",
        checkpoints=str(folder / "checkpoints"),
        log=folder / "log",
        output=folder / "trained",
    )


def training_config(scale: Scale, **options: Any) -> TrainRewardModelConfig:
    """The paper's second stage (PM), which the defaults are, on the device of the scale."""
    return TrainRewardModelConfig(
        **{"compute_dtype": scale.compute_dtype, "device": scale.device.type, "recompute": "none", **options}
    )


@contextmanager
def only_rank(config: TrainRewardModelConfig) -> Iterator[Ranks]:
    """This process as all ranks; outside of it nothing tells other trainers that they are distributed."""
    os.environ.update(_ALONE)
    try:
        with joined_ranks(config) as ranks:
            yield ranks
    finally:
        for name in _ALONE:
            del os.environ[name]
