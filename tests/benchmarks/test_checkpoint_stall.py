"""How long a checkpoint holds training up: ours, copied and written in the background, against a synchronous save.

What: the seconds for which the training loop stands still, at about 100 million float32 parameters with AdamW's
moments (1.2 GB on disk): in `Checkpoints.save`, and before the next optimiser step in `Checkpoints.wait_for_copy`.
Between the two lies a forward and backward pass, which may run while the copy is made. Against: PyTorch's synchronous
distributed checkpoint of the same state to the same disk. One process, gloo, real FSDP2 sharding, a disk as store.

How to read it: seconds are wall clock, because waiting for the disk is part of what stalls; both alternate, and the
smallest of several is taken, for later saves. The first save, which also makes the buffers that are kept, has a row of
its own. "No work beside" is the stall of a step shorter than the copy. "Until complete" is when the background write is
done. On a CPU, copying and writing take turns with training for its cores, which the longer step shows; on GPUs they
run beside the device.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch.distributed.checkpoint import state_dict_saver
from torch.distributed.checkpoint.state_dict import get_state_dict
from transformers import Qwen3Config

from components.training.train_reward_model.checkpoint import Checkpoints, Progress
from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.metrics import Curves
from components.training.train_reward_model.optimizer import make_optimizer
from components.training.train_reward_model.parallel import joined_ranks, make_sharded_model
from components.training.train_reward_model.sampler import DataState
from tests.benchmarks.length_sets import PairLengths, token_pairs
from tests.benchmarks.measure import Sample, interleaved, timed
from tests.benchmarks.report import Report, Table, at_most
from tests.fixtures.small_qwen3 import qwen3_config
from themis_common.modeling.losses import bradley_terry_sum
from themis_common.modeling.packing import pack_pairs
from themis_common.store import open_store

pytestmark = pytest.mark.slow

REPETITIONS = 3
TARGET = 0.2


def hundred_million() -> Qwen3Config:
    """A Qwen3 shape with about 100 million parameters."""
    return qwen3_config(vocabulary=32_000, hidden=768, mlp=2304, layers=10, heads=12, key_value_heads=6)


@pytest.fixture(autouse=True)
def one_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "1",
        "MASTER_ADDR": "localhost",
        "MASTER_PORT": "0",
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that goes with the test: pytest would keep its gigabytes."""
    yield tmp_path
    shutil.rmtree(tmp_path)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was saved, and the samples of each case in the first and in later rounds.

    Attributes:
        parameters: of the model.
        file_bytes: of its synchronous checkpoint.
    """

    parameters: int
    file_bytes: int
    first: dict[str, Sample]
    later: dict[str, Sample]


def measured(folder: Path) -> Measured:
    """Run all cases in turn on one model and one optimiser."""
    config = TrainRewardModelConfig(compute_dtype="float32", device="cpu")
    with joined_ranks(config) as ranks:
        model = make_sharded_model(hundred_million(), config, ranks)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.02)
            parameter.grad = torch.full_like(parameter, 1e-3)
        optimizer = make_optimizer(model, config)
        optimizer.step()
        optimizer.zero_grad()
        checkpoints = Checkpoints(open_store(folder), "benchmark", 1, ranks, lease=None)
        pack = pack_pairs(token_pairs([PairLengths(prompt=64, chosen=64, rejected=64)], 1000, seed=1))
        steps = iter(range(1, 1000))

        def save() -> None:
            progress = Progress(step=next(steps), data=DataState(seed=1))
            checkpoints.save(progress, model, optimizer, Curves())

        def compute() -> None:
            chosen, rejected, lm = model(pack)
            (bradley_terry_sum(chosen, rejected) + lm).backward()
            optimizer.zero_grad()

        def save_now() -> None:
            shutil.rmtree(folder / "synchronous", ignore_errors=True)
            weights, moments = get_state_dict(model, optimizer)
            state_dict_saver.save(
                {"model": weights, "optimizer": moments}, checkpoint_id=folder / "synchronous"
            )

        compute()
        cases = {
            "save": timed(save),
            "forward and backward beside it": timed(compute),
            "wait for the copy": timed(checkpoints.wait_for_copy),
            "until complete": timed(checkpoints.finish),
            "forward and backward alone": timed(compute),
            "save again": timed(save),
            "copy alone": timed(checkpoints.wait_for_copy),
            "until complete again": timed(checkpoints.finish),
            "synchronous save": timed(save_now),
        }
        first = interleaved(cases, 1)
        later = interleaved(cases, REPETITIONS)
        checkpoints.close()
        return Measured(
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            file_bytes=sum(file.stat().st_size for file in (folder / "synchronous").iterdir()),
            first=first,
            later=later,
        )


def stall(samples: dict[str, Sample], *waiting: str) -> Sample:
    """The seconds of all cases in which training waits."""
    return Sample(
        sum(samples[name].cpu for name in waiting), sum(samples[name].wall for name in waiting), None
    )


def test_stall(folder: Path, report: Report) -> None:
    found = measured(folder)
    later = found.later
    rows = {
        "stall: save and wait": stall(later, "save", "wait for the copy"),
        "stall of the first save": stall(found.first, "save", "wait for the copy"),
        "stall with no work beside": stall(later, "save again", "copy alone"),
        "until complete": later["until complete"],
        "synchronous save": later["synchronous save"],
        "forward and backward alone": later["forward and backward alone"],
        "forward and backward beside it": later["forward and backward beside it"],
    }
    synchronous = later["synchronous save"].wall
    gigabytes = found.file_bytes / 1e9
    report.add(
        Table(
            title=f"Checkpoints: {found.parameters / 1e6:.0f} M parameters, {gigabytes:.2f} GB",
            columns=("case", "wall s", "CPU s", "/ synchronous"),
            rows=[
                (
                    name,
                    f"{sample.wall:.3f}",
                    f"{sample.cpu:.2f}",
                    at_most(sample.wall / synchronous, TARGET)
                    if name.startswith("stall")
                    else f"{sample.wall / synchronous:.2f}",
                )
                for name, sample in rows.items()
            ],
            notes=[
                "With no work beside it the copy is made at "
                f"{gigabytes / rows['stall with no work beside'].wall:.1f} GB/s."
            ],
        )
    )
    assert rows["stall: save and wait"].wall < 2 * TARGET * synchronous
