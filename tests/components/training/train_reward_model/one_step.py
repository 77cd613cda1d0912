"""One rank of a process group that computes the first step of a job in several layouts and stores all numbers.

`python -m torch.distributed.run ... -m tests.components.training.train_reward_model.one_step JOB.json LAYOUTS.json`
writes `<layout>.safetensors` beside the job: rewards by row key, the objective, the norm, all gradients, and how many
elements each rank has read from the model's files.
"""

import dataclasses
import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.distributed.checkpoint import HuggingFaceStorageReader, LoadPlan, LoadPlanner
from torch.distributed.tensor import DTensor

from components.training.train_reward_model.dealing import PairCost, deal
from components.training.train_reward_model.job import Job
from components.training.train_reward_model.metrics import StepSums
from components.training.train_reward_model.optimizer import clip_gradients
from components.training.train_reward_model.pair_file import PairFile
from components.training.train_reward_model.parallel import Ranks, joined_ranks, make_sharded_model
from themis_common.modeling.adapters import adapters
from themis_common.modeling.model import read_model_config
from themis_common.modeling.packing import pack_pairs
from themis_common.modeling.weights import load_weights

READ = "read"


@contextmanager
def counted_reads() -> Iterator[list[int]]:
    """The elements of every tensor part that this rank reads from safetensors files."""
    reads: list[int] = []
    read_data = HuggingFaceStorageReader.read_data

    def counting(self: HuggingFaceStorageReader, plan: LoadPlan, planner: LoadPlanner) -> Any:
        reads.extend(math.prod(item.lengths) for item in plan.items)
        return read_data(self, plan, planner)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HuggingFaceStorageReader, "read_data", counting)
        yield reads


def first_step(job: Job, ranks: Ranks) -> dict[str, Tensor]:
    """Rewards, objective, norm and whole gradients of the first `global_batch` pairs; equal on all ranks."""
    config = read_model_config(job.model)
    model = make_sharded_model(config, job.config, ranks)
    with counted_reads() as reads:
        load_weights(model, job.model, with_reward_head=False)
    with torch.no_grad():
        # not zero, or what lies before them has no gradient
        model.reward_head.weight.fill_(0.5)
        for adapter in adapters(model).values():
            adapter.up.fill_(0.05)
    model.train()
    pairs = PairFile(job.pairs, "train")
    batch = [pairs.pair(number) for number in range(job.config.global_batch)]
    cost = PairCost.of_model(config)
    slots = deal(
        [cost(pair) for pair in batch],
        [pair.num_tokens for pair in batch],
        ranks.world,
        job.config.max_tokens_per_pack,
    )
    sums = StepSums(job.config, len(batch), sum(pair.num_labels for pair in batch), ranks.device)
    rewards: dict[str, Tensor] = {}
    for micro_step in slots:
        pack = pack_pairs([batch[number] for number in micro_step[ranks.rank]])
        outputs = model(pack)
        (sums.add(outputs) * ranks.world).backward()
        both = torch.stack([outputs.chosen, outputs.rejected], dim=1).detach()
        rewards |= {f"reward.{key}": values.clone() for key, values in zip(pack.row_keys, both, strict=True)}
    norm = clip_gradients(model, 0.0)
    means = sums.means(map(math.fsum, zip(*ranks.gather(sums.tensor.tolist()), strict=True)))
    numbers = {name: value for part in ranks.gather(rewards) for name, value in part.items()}
    numbers |= {"loss": torch.tensor(means["loss/total"]), "norm": norm.detach()}
    numbers[READ] = torch.tensor(ranks.gather(sum(reads)))
    for name, parameter in model.named_parameters():
        if parameter.grad is not None:
            gradient = parameter.grad
            whole = gradient.full_tensor() if isinstance(gradient, DTensor) else gradient
            numbers[f"gradient.{name}"] = whole.contiguous()
    return numbers


def main(job_file: Path, layouts_file: Path) -> None:
    """Compute every layout in turn in one process group."""
    job = Job.read(job_file)
    layouts: dict[str, dict[str, Any]] = json.loads(layouts_file.read_text())
    with joined_ranks(job.config) as ranks:
        for name, options in layouts.items():
            numbers = first_step(
                dataclasses.replace(job, config=dataclasses.replace(job.config, **options)), ranks
            )
            if ranks.is_first:
                save_file(numbers, job_file.with_name(f"{name}.safetensors"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
