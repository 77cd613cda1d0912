"""Every layout of the work gives the rewards, the objective and all gradients of the plainest one."""

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.utils.flop_counter import FlopCounterMode

from components.training.train_reward_model.job import Job
from components.training.train_reward_model.launch import run_job
from components.training.train_reward_model.optimizer import make_optimizer
from components.training.train_reward_model.parallel import joined_ranks, make_sharded_model
from tests.components.training.train_reward_model.one_step import READ, first_step
from tests.components.training.train_reward_model.outputs import metrics, outputs
from themis_common.errors import UserError
from themis_common.modeling.model import read_model_config

MakeJob = Callable[..., Job]
Train = Callable[..., bool]
Options = dict[str, Any]
ROOT = Path(__file__).parents[4]
LORA = {"lora_rank": 4}
ON_FOUR_RANKS: dict[str, Options] = {
    "one_group": {},
    "two_groups_of_two": {"shard_size": 2},
    "four_copies": {"shard_size": 1},
    "two_groups_offloaded": {"shard_size": 2, "offload": True},
    "two_groups_recomputed": {"shard_size": 2, "recompute": "selective"},
    "adapters_in_two_groups": {"shard_size": 2, **LORA},
}


def step_alone(job: Job, **options: Any) -> dict[str, Tensor]:
    with joined_ranks(job.config) as ranks:
        return first_step(dataclasses.replace(job, config=dataclasses.replace(job.config, **options)), ranks)


def assert_close(found: dict[str, Tensor], expected: dict[str, Tensor], tolerance: float = 1e-5) -> None:
    assert found.keys() == expected.keys()
    for name, want in expected.items():
        error = (found[name].double() - want.double()).abs().max() / want.double().abs().max().clamp(min=1e-3)
        assert error < tolerance, f"{name}: {error}"


@pytest.mark.slow
def test_four_ranks_in_any_grouping_agree_with_one_and_read_only_their_shards(
    make_job: MakeJob, alone: None
) -> None:
    job = make_job(global_batch=20)
    job_file, layouts = job.output.with_name("job.json"), job.output.with_name("layouts.json")
    job.write(job_file)
    layouts.write_text(json.dumps(ON_FOUR_RANKS))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "4", "-m"]
    module = "tests.components.training.train_reward_model.one_step"
    subprocess.run([*command, module, str(job_file), str(layouts)], cwd=ROOT, check=True)

    full, adapted = step_alone(job), step_alone(job, **LORA)
    assert full["norm"] > 0.1
    assert len(full) > 20 + 2 + 20
    whole = full.pop(READ).item()
    assert adapted.pop(READ).item() == whole
    for name, options in ON_FOUR_RANKS.items():
        found = load_file(job_file.with_name(f"{name}.safetensors"))
        shards = options.get("shard_size", 4)
        copies = 4 // shards
        reads = found.pop(READ).tolist()
        assert sum(reads) == copies * whole
        assert max(reads) < 1.1 * whole / shards
        assert_close(found, adapted if "lora_rank" in options else full)


@pytest.mark.parametrize(
    "options",
    [{"recompute": "layer"}, {"recompute": "selective"}, {"offload": True}, {"recompute": "layer", **LORA}],
    ids=str,
)
def test_a_step_on_one_rank_does_not_depend_on_where_things_are_kept(
    make_job: MakeJob, alone: None, options: Options
) -> None:
    job = make_job()
    plain = {name: value for name, value in options.items() if name == "lora_rank"}
    expected, found = step_alone(job, **plain), step_alone(job, **options)
    assert found.keys() == expected.keys()
    for name, want in expected.items():
        assert torch.equal(found[name], want), name


def test_a_run_that_recomputes_has_the_same_bytes(make_job: MakeJob, train: Train) -> None:
    plain, other = make_job(epochs=1), make_job(epochs=1, recompute="selective")
    train(plain)
    train(other)
    assert outputs(other) == outputs(plain)


def test_an_offloaded_run_has_the_same_curves_and_is_stopped_like_any_other(
    make_job: MakeJob, train: Train
) -> None:
    plain, offloaded, stopped = make_job(), make_job(offload=True), make_job(offload=True)
    train(plain)
    train(offloaded)
    assert not train(stopped, stop_after=3)
    assert train(stopped)
    assert outputs(stopped) == outputs(offloaded)
    for name in ("loss/total", "grad_norm", "held_out/margin"):
        assert metrics(offloaded, name) == pytest.approx(metrics(plain, name), rel=1e-4, abs=1e-5)


@pytest.mark.slow
def test_a_checkpoint_of_two_groups_of_two_goes_on_alone(make_job: MakeJob, train: Train) -> None:
    job = make_job(shard_size=2, **LORA)
    run_job(job, job.output.with_name("job.json"), 4)
    expected = {name: metrics(job, name) for name in ("loss/total", "grad_norm", "held_out/margin")}
    newest = max(Path(job.checkpoints).glob("step-*"))
    shutil.rmtree(newest)
    train(dataclasses.replace(job, config=dataclasses.replace(job.config, shard_size=0)))
    for name, values in expected.items():
        assert metrics(job, name) == pytest.approx(values, rel=1e-4, abs=1e-5)


def test_selective_recomputation_multiplies_no_matrix_twice(make_job: MakeJob, alone: None) -> None:
    job = make_job()
    flops = {}
    for policy in ("none", "layer", "selective"):
        with FlopCounterMode(display=False) as counter:
            step_alone(job, recompute=policy)
        flops[policy] = counter.get_total_flops()
    assert flops["selective"] == flops["none"]
    assert flops["layer"] > 1.2 * flops["none"]


def test_a_group_size_that_leaves_ranks_over_is_refused(make_job: MakeJob, train: Train) -> None:
    with pytest.raises(
        UserError, match="shard_size is 2, which does not divide the 1 processes: set a divisor"
    ):
        train(make_job(shard_size=2))


@pytest.mark.parametrize("options", [{}, {"lora_rank": 4}], ids=str)
def test_the_reward_head_computes_in_float32_and_shared_embeddings_are_in_one_group(
    make_job: MakeJob, alone: None, options: Options
) -> None:
    job = make_job(compute_dtype="bfloat16", **options)
    with joined_ranks(job.config) as ranks:
        model = make_sharded_model(read_model_config(job.model), job.config, ranks)
        dtypes, groups = {}, {}
        for module in model.modules():
            state = getattr(module, "_get_fsdp_state", lambda: None)()
            for sharded in state._fsdp_param_group.fsdp_params if state else ():
                sharded.init_dtype_attrs(state._mp_policy)
                name = sharded._module_info.param_name
                for owner, part in model.named_modules():
                    if part is sharded._module_info.module:
                        dtypes[f"{owner}.{name}"] = sharded.param_dtype or sharded.orig_dtype
                        groups.setdefault(f"{owner}.{name}", []).append(id(module))
    # everything is in exactly one group, and only the head computes in float32
    assert groups.keys() == {name for name, _ in model.named_parameters()}
    assert all(len(found) == 1 for found in groups.values())
    assert {name for name, dtype in dtypes.items() if dtype == torch.float32} == {"reward_head.weight"}
    assert {dtype for name, dtype in dtypes.items() if name != "reward_head.weight"} == {torch.bfloat16}
    # the input embedding is the output embedding, and both uses find it in the root group
    assert model.lm_head is None
    assert groups["body.embed_tokens.weight"] == [id(model)]


def test_the_optimiser_works_where_the_weights_are_and_on_what_is_trained(
    make_job: MakeJob, alone: None
) -> None:
    job = make_job(offload=True, **LORA)
    with joined_ranks(job.config) as ranks:
        model = make_sharded_model(read_model_config(job.model), job.config, ranks)
        optimizer = make_optimizer(model, job.config)
    held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    assert len(held) == sum(parameter.requires_grad for parameter in model.parameters())
    for parameter in held:
        assert isinstance(parameter, DTensor)
        assert parameter.to_local().device.type == "cpu"
