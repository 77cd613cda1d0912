"""The file for `accelerate launch`: accelerate reads it as meant, and the user's own may not contradict it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.utils import DistributedType

from components.training.train_reward_model.accelerate_config import write_accelerate_config
from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.rendezvous import Rendezvous
from themis_common.errors import UserError

# as `accelerate config` writes it for FSDP2 on one machine with two GPUs
AGREEING: dict[str, Any] = {
    "compute_environment": "LOCAL_MACHINE",
    "debug": True,
    "distributed_type": "FSDP",
    "downcast_bf16": "no",
    "enable_cpu_affinity": True,
    "fsdp_config": {
        "fsdp_activation_checkpointing": False,
        "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        "fsdp_cpu_ram_efficient_loading": False,
        "fsdp_offload_params": False,
        "fsdp_reshard_after_forward": True,
        "fsdp_state_dict_type": "SHARDED_STATE_DICT",
        "fsdp_version": 2,
    },
    "machine_rank": 0,
    "main_training_function": "main",
    "mixed_precision": "no",
    "num_machines": 1,
    "num_processes": 2,
    "rdzv_backend": "static",
    "same_network": True,
    "tpu_env": [],
    "tpu_use_cluster": False,
    "tpu_use_sudo": False,
    "use_cpu": False,
}
TWO_NODES = Rendezvous(variables={}, nodes=2, node_rank=1, address="first", port=1234)


def options(**values: Any) -> TrainRewardModelConfig:
    return TrainRewardModelConfig(launcher="accelerate", **values)


def agreeing_but(tmp_path: Path, changes: dict[str, Any]) -> str:
    values = {**AGREEING, **{name: value for name, value in changes.items() if "." not in name}}
    values["fsdp_config"] = {
        **AGREEING["fsdp_config"],
        **{name.partition(".")[2]: value for name, value in changes.items() if "." in name},
    }
    path = tmp_path / "theirs.yaml"
    path.write_text(yaml.safe_dump({name: value for name, value in values.items() if value is not None}))
    return str(path)


def test_accelerate_reads_what_the_options_say(tmp_path: Path) -> None:
    path = tmp_path / "accelerate.yaml"
    write_accelerate_config(path, options(offload=True, recompute="layer"), 4, TWO_NODES)
    found: Any = load_config_from_file(str(path))
    assert found.distributed_type == DistributedType.FSDP
    assert found.mixed_precision == "no"
    assert (found.num_machines, found.machine_rank, found.num_processes) == (2, 1, 8)
    assert (found.main_process_ip, found.main_process_port) == ("first", 1234)
    assert found.fsdp_config["fsdp_version"] == 2
    assert found.fsdp_config["fsdp_offload_params"] is True
    assert found.fsdp_config["fsdp_activation_checkpointing"] is True


def test_a_file_that_agrees_hands_on_what_is_the_machines_business(tmp_path: Path) -> None:
    path = tmp_path / "accelerate.yaml"
    write_accelerate_config(path, options(accelerate_config=agreeing_but(tmp_path, {})), 2, None)
    found: Any = load_config_from_file(str(path))
    assert found.debug is True
    assert found.enable_cpu_affinity is True
    assert found.main_process_port == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fsdp_config.fsdp_version": 1}, "fsdp_config.fsdp_version is 1, and this run has 2"),
        ({"mixed_precision": "bf16"}, "mixed_precision is bf16, and this run has no"),
        ({"num_processes": 8}, "num_processes is 8, and this run has 2"),
        ({"num_machines": 2}, "num_machines is 2, and this run has 1"),
        ({"distributed_type": "DEEPSPEED"}, "distributed_type is deepspeed, and this run has fsdp"),
        (
            {"deepspeed_config": {"zero_stage": 3}},
            "deepspeed_config.zero_stage is 3, which this trainer does not use",
        ),
        (
            {"dynamo_config": {"dynamo_backend": "INDUCTOR"}},
            "dynamo_config.dynamo_backend is inductor, which this trainer does not use",
        ),
        ({"fsdp_config.fsdp_offload_params": True}, "fsdp_config.fsdp_offload_params is true, and this run"),
        ({"use_cpu": True}, "use_cpu is true, and this run has no"),
    ],
    ids=str,
)
def test_a_file_that_contradicts_is_refused_by_the_name_of_the_key(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    theirs = agreeing_but(tmp_path, changes)
    with pytest.raises(UserError, match=message) as refused:
        write_accelerate_config(tmp_path / "accelerate.yaml", options(accelerate_config=theirs), 2, None)
    assert theirs in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_silent_about_the_version_means_the_first(tmp_path: Path) -> None:
    path = tmp_path / "theirs.yaml"
    path.write_text("distributed_type: FSDP\n")
    with pytest.raises(UserError, match="fsdp_version is 1, and this run has 2"):
        write_accelerate_config(tmp_path / "out.yaml", options(accelerate_config=str(path)), 2, None)


@pytest.mark.parametrize("content", ["", "- a\n", "a: [\n"])
def test_a_file_that_is_no_configuration_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "theirs.yaml"
    path.write_text(content)
    with pytest.raises(UserError, match="theirs.yaml") as refused:
        write_accelerate_config(tmp_path / "out.yaml", options(accelerate_config=str(path)), 2, None)
    assert "\n" not in str(refused.value)


def test_a_changing_number_of_nodes_is_torchruns(tmp_path: Path) -> None:
    elastic = Rendezvous(variables={}, nodes=None, node_rank=None, address="first", port=1234)
    with pytest.raises(UserError, match="set launcher to torchrun"):
        write_accelerate_config(tmp_path / "out.yaml", options(), 2, elastic)
