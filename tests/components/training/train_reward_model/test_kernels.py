"""Other kernels than the model's own modules: equal numbers, and graphs that every layer and every length shares."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch._dynamo.utils import counters

from components.training.train_reward_model.job import Job
from components.training.train_reward_model.parallel import joined_ranks
from tests.components.training.train_reward_model.one_step import first_step
from themis_common.errors import UserError

MakeJob = Callable[..., Job]
ATTENTION = "Skip calling `torch.compiler.disable()`d function"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "graphs"),
    # before and after attention, for a first length and for all others; beside a frozen embedding also for a first
    # layer, whose input needs no gradient
    [({}, 4), ({"lora_rank": 4, "recompute": "layer"}, 8)],
    ids=str,
)
def test_compiled_layers_give_equal_numbers_from_few_graphs(
    make_job: MakeJob, alone: None, options: dict[str, Any], graphs: int
) -> None:
    torch._dynamo.reset()
    counters.clear()
    # many packs of different lengths
    job = make_job(global_batch=20, max_tokens_per_pack=160, **options)
    compiled = dataclasses.replace(job, config=dataclasses.replace(job.config, kernels="compile"))
    with joined_ranks(job.config) as ranks:
        expected = first_step(job, ranks)
        found = first_step(compiled, ranks)
    assert found.keys() == expected.keys()
    for name, want in expected.items():
        error = (found[name] - want).abs().max() / want.abs().max().clamp(min=1e-3)
        assert error < 2e-5, f"{name}: {error}"
    breaks = {reason.partition("\n")[0]: count for reason, count in counters["graph_break"].items()}
    assert breaks.keys() == {ATTENTION}
    assert counters["stats"]["unique_graphs"] <= graphs


def test_liger_is_refused_where_there_is_no_gpu(make_job: MakeJob, train: Callable[..., bool]) -> None:
    with pytest.raises(UserError, match="runs on GPUs only: set kernels to plain or compile"):
        train(make_job(kernels="liger"))
