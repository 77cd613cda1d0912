"""Where nodes meet, from the variables that training operators set."""

from typing import Any

import pytest

from components.training.train_reward_model.rendezvous import processes_per_node, read_rendezvous
from themis_common.errors import UserError

# facts/kubeflow.md 2.2 and 2.3
PYTORCHJOB = {
    "MASTER_ADDR": "job-master-0",
    "MASTER_PORT": "23456",
    "WORLD_SIZE": "16",
    "RANK": "1",
    "PET_MASTER_ADDR": "job-master-0",
    "PET_MASTER_PORT": "23456",
    "PET_NODE_RANK": "1",
    "PET_NNODES": "2",
    "PET_NPROC_PER_NODE": "8",
}
TRAINJOB = {
    "PET_NNODES": "4",
    "PET_NPROC_PER_NODE": "8",
    "PET_NODE_RANK": "3",
    "PET_MASTER_ADDR": "job-node-0-0.job",
    "PET_MASTER_PORT": "29500",
}
ELASTIC = {
    **{name: value for name, value in PYTORCHJOB.items() if name != "PET_NODE_RANK"},
    "PET_NNODES": "1:4",
    "PET_RDZV_BACKEND": "c10d",
    "PET_RDZV_ENDPOINT": "job-worker-0:23456",
    "PET_RDZV_ID": "job",
}
OLD_OPERATOR = {name: value for name, value in PYTORCHJOB.items() if not name.startswith("PET_")}


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        (PYTORCHJOB, (2, 1, "job-master-0", 23456)),
        (TRAINJOB, (4, 3, "job-node-0-0.job", 29500)),
        (ELASTIC, (None, None, "job-worker-0", 23456)),
        (OLD_OPERATOR, (2, 1, "job-master-0", 23456)),
    ],
    ids=["PyTorchJob", "TrainJob", "elastic PyTorchJob", "operator without PET variables"],
)
def test_the_variables_of_every_operator_are_understood(environment: dict[str, str], found: Any) -> None:
    rendezvous = read_rendezvous(environment, 8)
    assert rendezvous is not None
    assert (rendezvous.nodes, rendezvous.node_rank, rendezvous.address, rendezvous.port) == found


def test_torchrun_is_told_only_what_it_does_not_read_itself() -> None:
    for environment in (PYTORCHJOB, TRAINJOB, ELASTIC):
        rendezvous = read_rendezvous(environment, 8)
        assert rendezvous is not None
        assert rendezvous.variables == {}
    rendezvous = read_rendezvous(OLD_OPERATOR, 8)
    assert rendezvous is not None
    assert rendezvous.variables == {
        "PET_NNODES": "2",
        "PET_NODE_RANK": "1",
        "PET_MASTER_ADDR": "job-master-0",
        "PET_MASTER_PORT": "23456",
    }


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {**PYTORCHJOB, "PET_NNODES": "1"},
        {**OLD_OPERATOR, "WORLD_SIZE": "8"},
        {**OLD_OPERATOR, "WORLD_SIZE": "1"},
    ],
    ids=["laptop", "one pod", "old operator, one pod", "old operator that does not know processes"],
)
def test_a_single_node_needs_nobody_to_meet(environment: dict[str, str]) -> None:
    assert read_rendezvous(environment, 8) is None


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({**PYTORCHJOB, "PET_NNODES": "two"}, "PET_NNODES is 'two': it must be a number, or least:most"),
        ({**PYTORCHJOB, "PET_NODE_RANK": "x"}, "PET_NODE_RANK is 'x': it must be a number"),
        ({"PET_NNODES": "2", "PET_NODE_RANK": "0"}, "PET_MASTER_ADDR is not set: start it as a training job"),
        ({**OLD_OPERATOR, "WORLD_SIZE": "12"}, "WORLD_SIZE is 12, which is no multiple of the 8 processes"),
    ],
)
def test_what_makes_no_sense_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_rendezvous(environment, 8)


def test_only_a_number_of_processes_is_one() -> None:
    assert processes_per_node(PYTORCHJOB) == 8
    assert processes_per_node({"PET_NPROC_PER_NODE": "auto"}) is None
    assert processes_per_node({}) is None
