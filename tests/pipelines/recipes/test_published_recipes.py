"""Every resolved value of the published recipes against the tables of the fact sheet (facts/training.md 0, 1 and 7)."""

from typing import Any

import pytest

from components.training.train_reward_model.config import TrainRewardModelConfig
from pipelines.recipes.reading import recipe_names
from pipelines.settings import TRAINING_STAGES, Resolved, resolve
from themis_common.config import result_values

# section 1: GPUs for PT and PM
SIZES = {
    "0.6b": ("Qwen/Qwen3-0.6B", 8, 8),
    "1.7b": ("Qwen/Qwen3-1.7B", 8, 8),
    "4b": ("Qwen/Qwen3-4B", 16, 16),
    "8b": ("Qwen/Qwen3-8B", 32, 32),
    "14b": ("Qwen/Qwen3-14B", 32, 64),
    "32b": ("Qwen/Qwen3-32B", 64, 128),
}

# section 1, second table; the terminal rates are 1e-5 and 5e-7
BOTH: dict[str, Any] = {
    "schedule": "cosine",
    "warmup_ratio": 0.05,
    "stable_ratio": 0.0,
    "warmup_from": "zero",
    "schedule_processes": 1,
    "beta1": 0.9,
    "beta2": 0.95,
    "epsilon": 1e-8,
    "weight_decay": 0.1,
    "decay": "matrices",
    "magnitude_form": "centre",
    "margin": 0.0,
    "compute_dtype": "bfloat16",
    "reduce_dtype": "float32",
    "save_dtype": "float32",
    "reward_head": "carry",
    "lora_rank": 0,
}
STAGES: dict[str, dict[str, Any]] = {
    "PT": {
        **BOTH,
        "epochs": 2,
        "global_batch": 1024,
        "learning_rate": 2e-5,
        "floor_ratio": 0.5,
        "lm_weight": 0.4,
        "magnitude_weight": 0.01,
        "gradient_clip": 2.0,
    },
    "PM": {
        **BOTH,
        "epochs": 1,
        "global_batch": 512,
        "learning_rate": 1e-5,
        "floor_ratio": 0.05,
        "lm_weight": 0.25,
        "magnitude_weight": 0.001,
        "gradient_clip": 1.5,
    },
}
MAX_TOKENS = {"PT": 2560, "PM": 4096}
PAIRS_PER_GPU = {
    "PT": {"0.6b": 128, "1.7b": 128, "4b": 64, "8b": 32, "14b": 32, "32b": 16},
    "PM": {"0.6b": 64, "1.7b": 64, "4b": 32, "8b": 16, "14b": 8, "32b": 4},
}

# sections 0 and 7: what the script and its launch file do otherwise
SCRIPT: dict[str, Any] = {
    "seed": 42,
    "magnitude_form": "absolute",
    "reward_head": "zero",
    "schedule": "warmup_stable_decay",
    "stable_ratio": 0.7,
    "warmup_from": "floor",
    "schedule_processes": 64,
    "beta2": 0.999,
    "weight_decay": 0.01,
    "decay": "all",
    "gradient_clip": 0.0,
    "reduce_dtype": "bfloat16",
    "save_dtype": "bfloat16",
}

# how the work is done is ours to choose; it changes no more than the last bits of a result
OURS = {"seed", "evaluate_every", "if_empty", "lora_alpha", "lora_targets"}


def options(resolved: Resolved, stage: str, task: str) -> dict[str, Any]:
    section = resolved.tasks[f"{task}_{TRAINING_STAGES[stage]}"]
    return {name: value.value for name, value in section.items()}


def result_options() -> set[str]:
    """The options of training that affect results."""
    return set(result_values(TrainRewardModelConfig()))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stage", STAGES)
def test_published_recipes_have_the_values_of_the_paper(size: str, stage: str) -> None:
    resolved = resolve("training", f"{size}-{stage.lower()}")
    base_model, *gpus = SIZES[size]
    assert resolved.shared["base_model"].value == base_model
    assert resolved.shared["training_stage"].value == stage
    assert resolved.shared["gpus"].value == gpus[stage == "PM"]
    training = options(resolved, stage, "train")
    assert {name: training[name] for name in STAGES[stage]} == STAGES[stage]
    assert training["global_batch"] == PAIRS_PER_GPU[stage][size] * resolved.shared["gpus"].value
    assert options(resolved, stage, "pack") == {"max_tokens": MAX_TOKENS[stage]}
    assert resolved.tasks["export_model"]["max_tokens"].value == MAX_TOKENS[stage]
    assembled = options(resolved, stage, "assemble")
    assert (assembled["system_prompts"], assembled["held_out_share"]) == ("paper", 0.0)


@pytest.mark.parametrize("stage", STAGES)
def test_no_option_that_affects_results_is_left_out_of_the_table(stage: str) -> None:
    assert result_options() - OURS - STAGES[stage].keys() == set()


@pytest.mark.parametrize("stage", STAGES)
def test_a_size_alone_holds_both_stages(stage: str) -> None:
    resolved = resolve("training", "32b")
    assert options(resolved, stage, "train") == options(
        resolve("training", f"32b-{stage.lower()}"), stage, "train"
    )


@pytest.mark.parametrize("stage", STAGES)
def test_the_script_preset_changes_what_the_script_does_otherwise(stage: str) -> None:
    paper = options(resolve("training", f"14b-{stage.lower()}"), stage, "train")
    script_resolved = resolve("training", f"14b-{stage.lower()},script")
    script = options(script_resolved, stage, "train")
    assert {name: value for name, value in script.items() if value != paper[name]} == SCRIPT
    assert options(script_resolved, stage, "assemble")["system_prompts"] == "script"


def test_recipes_for_one_gpu_give_what_they_promise() -> None:
    one = resolve("training", "0.6b-1gpu")
    eight = resolve("training", "0.6b")
    assert one.shared["gpus"].value == 1
    results = result_options()
    for stage in STAGES:
        few, many = options(one, stage, "train"), options(eight, stage, "train")
        assert {name: few[name] for name in results} == {name: many[name] for name in results}
    adapters = options(resolve("training", "8b-lora-1gpu"), "PM", "train")
    assert adapters["lora_rank"] > 0


def test_all_sizes_have_a_recipe_for_each_stage() -> None:
    assert {f"{size}{stage}" for size in SIZES for stage in ("", "-pt", "-pm")} <= set(recipe_names())
