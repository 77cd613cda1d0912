"""What a training configuration refuses, and what counts as the same run."""

from typing import Any

import pytest

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.job import Job
from themis_common.config import config_hash, load_config
from themis_common.errors import UserError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"global_batch": 0}, "global_batch must be at least 1, found 0"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"beta2": 1.5}, "beta2 must be between 0 and 1"),
        ({"warmup_ratio": 0.6, "stable_ratio": 0.6, "schedule": "warmup_stable_decay"}, "sum to more than 1"),
        ({"stable_ratio": 0.1}, "no meaning for the cosine schedule"),
        ({"schedule_processes": 64}, "no meaning for the cosine schedule: set 1 or take warmup_stable_decay"),
        ({"schedule_processes": 0}, "schedule_processes must be at least 1, found 0"),
        ({"magnitude_form": "center"}, "magnitude_form"),
        ({"shard_size": -1}, "shard_size must be at least 0, found -1"),
        ({"recompute": True}, "recompute: .*'none', 'layer' or 'selective'"),
        ({"recompute": "selective", "kernels": "compile"}, "cannot see into what kernels compile makes"),
        ({"lora_targets": ["q_proj"]}, "lora_targets has no meaning without adapters: set lora_rank"),
        ({"lora_rank": 8, "lora_dropout": 0.1}, "unknown key 'lora_dropout'"),
        ({"accelerate_config": "mine.yaml"}, "launcher is not accelerate: set it, too"),
    ],
)
def test_a_value_without_a_meaning_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config(TrainRewardModelConfig, values, where="train.yaml")


def test_the_number_of_ranks_is_not_part_of_what_is_trained() -> None:
    spread = TrainRewardModelConfig(processes=8, max_tokens_per_pack=100, recompute="layer", save_every=3)
    assert config_hash(spread) == config_hash(TrainRewardModelConfig())
    assert config_hash(TrainRewardModelConfig(magnitude_form="absolute")) != config_hash(
        TrainRewardModelConfig()
    )


def test_a_job_survives_its_file(make_job: Any, tmp_path: Any) -> None:
    job = make_job(learning_rate=3e-4)
    job.write(tmp_path / "job.json")
    assert Job.read(tmp_path / "job.json") == job
