"""The configuration for `accelerate launch`: rendered from the options, and never at odds with them.

accelerate starts the processes; how the model is sharded and in which precision it computes is decided here. Its own
file says the same, so that whoever reads it is not misled, and a file of the user's that says something else is
refused instead of ignored.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from components.training.train_reward_model.config import TrainRewardModelConfig
from components.training.train_reward_model.rendezvous import Rendezvous
from themis_common.errors import UserError

_FROM_ENVIRONMENT = (
    "machine_rank",
    "main_process_ip",
    "main_process_port",
    "main_training_function",
    "rdzv_backend",
    "same_network",
)
_TAKEN_OVER = ("debug", "enable_cpu_affinity")


def write_accelerate_config(
    path: Path, config: TrainRewardModelConfig, processes: int, rendezvous: Rendezvous | None
) -> None:
    """Write the YAML file for `accelerate launch --config_file`.

    Args:
        processes: of each node.

    Raises:
        UserError: the number of nodes may change, which accelerate does not know, or the file that the options name
            cannot be read or contradicts them.
    """
    from accelerate.commands.config.config_args import ClusterConfig

    values = _rendered(config, processes, rendezvous)
    if config.accelerate_config:
        theirs = _read(Path(config.accelerate_config))
        _check(config.accelerate_config, theirs, values)
        values |= {name: theirs[name] for name in _TAKEN_OVER if name in theirs}
    ClusterConfig(**values).to_yaml_file(path)


def _rendered(
    config: TrainRewardModelConfig, processes: int, rendezvous: Rendezvous | None
) -> dict[str, Any]:
    nodes = 1
    # a port of 0 lets accelerate look for a free one
    where: dict[str, Any] = {"machine_rank": 0, "main_process_port": 0}
    if rendezvous is not None:
        if rendezvous.nodes is None or rendezvous.node_rank is None:
            raise UserError(
                "launcher is accelerate, which needs a fixed number of nodes and their ranks: set launcher to torchrun"
            )
        nodes = rendezvous.nodes
        where = {
            "machine_rank": rendezvous.node_rank,
            "main_process_ip": rendezvous.address,
            "main_process_port": rendezvous.port,
        }
    return {
        "compute_environment": "LOCAL_MACHINE",
        "distributed_type": "FSDP",
        "mixed_precision": "no",
        "use_cpu": False,
        "debug": False,
        "gpu_ids": "all",
        "num_machines": nodes,
        "num_processes": nodes * processes,
        "rdzv_backend": "static",
        "same_network": True,
        **where,
        "fsdp_config": {
            "fsdp_version": 2,
            "fsdp_reshard_after_forward": True,
            "fsdp_offload_params": config.offload,
            "fsdp_activation_checkpointing": config.recompute != "none",
            "fsdp_cpu_ram_efficient_loading": False,
            "fsdp_state_dict_type": "SHARDED_STATE_DICT",
            "fsdp_auto_wrap_policy": "TRANSFORMER_BASED_WRAP",
        },
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = str(error).replace("\n", " ")
        raise UserError(f"accelerate_config {path} cannot be read as YAML: {reason}") from error
    if not isinstance(values, dict):
        raise UserError(f"accelerate_config {path} holds no keys: write one with `accelerate config`")
    return values


def _check(path: str, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Refuse a file that says another thing than the options, or a thing that this trainer does not do."""
    expected = dict(_flat(ours))
    # what accelerate assumes where the file is silent
    found = {"fsdp_config.fsdp_version": 1, **dict(_flat(theirs))}
    for key, value in found.items():
        if key in (*_FROM_ENVIRONMENT, *_TAKEN_OVER):
            continue
        if key in expected and _text(value) != _text(expected[key]):
            raise UserError(
                f"accelerate_config {path}: {key} is {_text(value)}, and this run has {_text(expected[key])}: "
                "change the file or the options"
            )
        if key not in expected and _text(value) != "no":
            raise UserError(
                f"accelerate_config {path}: {key} is {_text(value)}, which this trainer does not use: remove it"
            )


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + str(key), value


def _text(value: Any) -> str:
    # YAML reads a bare `no` as false
    return "no" if value in (None, False, "", "none", []) else str(value).lower()
