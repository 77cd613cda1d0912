"""What fits, what is proposed, and what is said where nothing does."""

from typing import Any

import pytest

from components.training.train_reward_model.config import TrainRewardModelConfig
from pipelines.recipes.reading import recipe_names
from pipelines.single_training import TrainingRequest
from pipelines.training_plan.description import overview_lines, plan_lines
from pipelines.training_plan.hardware import kind_with, parse_memory
from pipelines.training_plan.plan import TrainingPlan
from pipelines.training_plan.planning import HardwareRequest, make_plan, published_plans
from pipelines.training_plan.proposals import gpus_needed, least_memory, propose, propose_adapters
from themis_common.errors import UserError


def plan(recipe: str, *overrides: str, **hardware: Any) -> TrainingPlan:
    request = TrainingRequest(recipe=recipe, overrides=overrides)
    return make_plan(request, HardwareRequest(**hardware), show=lambda event: None)


def test_published_recipes_fit_the_gpus_that_they_name() -> None:
    plans = dict(published_plans(HardwareRequest(gpu="h100")))
    assert plans.keys() == {name for name in recipe_names() if name.endswith(("b-pt", "b-pm"))}
    assert [name for name, one in plans.items() if not one.fits] == []


@pytest.mark.parametrize(("recipe", "memory"), [("0.6b-1gpu", "24G"), ("8b-lora-1gpu", "80G")])
@pytest.mark.parametrize("stage", ["PT", "PM"])
def test_recipes_for_one_gpu_fit_it(recipe: str, memory: str, stage: str) -> None:
    one = plan(recipe, f"training_stage={stage}", memory=memory)
    assert one.hardware.gpus == 1
    assert one.fits


def test_steps_are_those_of_the_paper() -> None:
    assert (plan("8b-pt").steps, plan("8b-pm").steps) == (218, 692)


def test_the_first_way_that_fits_is_proposed() -> None:
    tight = plan("0.6b-pm", gpus=1, memory="24G")
    found = propose(tight)
    assert not tight.fits
    assert found is not None
    assert found.changes == {"recompute": "selective", "max_tokens_per_pack": 8192}
    assert found.plan.fits
    assert plan("0.6b-pm", *(f"{k}={v}" for k, v in found.changes.items()), gpus=1, memory="24G").fits


def test_memory_of_the_machine_counts() -> None:
    found = propose(plan("1.7b-pm", gpus=1, memory="24G", host_memory="40G"))
    assert found is not None
    assert found.changes["offload"]
    assert propose(plan("1.7b-pm", gpus=1, memory="24G", host_memory="16G")) is None


def test_offloading_costs_time() -> None:
    here, there = (plan("8b-pm", f"offload={offload}", gpus=1) for offload in ("false", "true"))
    assert there.hours > here.hours


def test_where_nothing_fits_it_is_said_what_would() -> None:
    tight = plan("32b-pm", gpus=1, memory="24G")
    assert propose(tight) is None
    assert propose_adapters(tight) is None
    assert least_memory(tight).memory.gpu_bytes > 500e9
    wider = gpus_needed(tight)
    assert wider is not None
    assert wider.plan.fits
    text = "\n".join(plan_lines(tight))
    assert "DOES NOT FIT" in text
    assert "nothing fits with the same results" in text
    assert f"would fit on {wider.plan.hardware.gpus} such GPUs" in text


def test_adapters_are_named_another_method() -> None:
    tight = plan("4b-pm", gpus=1, memory="24G")
    found = propose_adapters(tight)
    assert found is not None
    assert found.changes["lora_rank"] == 16
    assert "fits by adapters, another method: --set lora_rank=16" in "\n".join(plan_lines(tight))
    assert propose_adapters(plan("8b-lora-1gpu")) is None


def test_machines_shard_among_their_own_gpus_where_that_fits() -> None:
    found = propose(plan("4b-pm"))
    assert found is not None
    assert found.changes["shard_size"] == 8


def test_compiled_layers_are_not_asked_to_select() -> None:
    found = propose(plan("8b-pm", "recompute=none", "kernels=compile"))
    assert found is not None
    assert found.plan.training.recompute != "selective"


def test_price_and_utilisation_are_counted() -> None:
    slow = plan("8b-pm", utilisation=0.2, price=3.0)
    fast = plan("8b-pm", utilisation=0.4)
    assert slow.hours == pytest.approx(2 * fast.hours)
    assert slow.cost == pytest.approx(3 * 32 * slow.hours)
    assert fast.cost is None


def test_the_overview_has_a_line_for_each_recipe() -> None:
    lines = list(overview_lines(published_plans(HardwareRequest(gpus=1, memory="24G"))))
    assert len(lines) == 13
    assert lines[1].startswith("0.6b-pm")
    assert lines[-1].endswith("  no")


def test_a_tiny_model_cannot_be_planned_without_pairs() -> None:
    with pytest.raises(UserError, match="base_model is tiny"):
        plan("local")


@pytest.mark.parametrize(
    ("text", "size"), [("24G", 24e9), ("22.5GiB", 22.5 * 2**30), ("80", 80e9), ("1T", 1e12), ("80 gb", 80e9)]
)
def test_memory_is_read(text: str, size: float) -> None:
    assert parse_memory(text, "--memory") == size


@pytest.mark.parametrize("text", ["lots", "24K", "0G", "1.2.3G", ""])
def test_other_amounts_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="--memory"):
        parse_memory(text, "--memory")


def test_memory_alone_names_the_kind_of_gpu() -> None:
    assert [kind_with(int(size * 1e9)) for size in (16, 24, 40, 80, 141, 500)] == [
        "l4",
        "l4",
        "a100-40g",
        "h100",
        "h200",
        "b200",
    ]


def test_defaults_of_the_stage_are_what_is_planned() -> None:
    assert plan("pm", "base_model=Qwen/Qwen3-8B").training == TrainRewardModelConfig(seed=7)
