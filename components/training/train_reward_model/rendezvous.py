"""Where the nodes of a run meet, as told by whoever started them: read from the environment and from nowhere else.

An operator (PyTorchJob, TrainJob) sets what torchrun understands, `PET_*`, in every pod; an older one sets
`WORLD_SIZE`, `RANK`, `MASTER_ADDR` and `MASTER_PORT`, in which the rank counts nodes (facts/kubeflow.md 2.2).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from themis_common.errors import UserError

_DEFAULT_PORT = 29500


@dataclass(frozen=True, kw_only=True)
class Rendezvous:
    """The nodes of a run and where they meet.

    Attributes:
        variables: what torchrun has to find in the environment to join.
        nodes: how many nodes there are; None where their number may change while the run lasts.
        node_rank: this node's place; None where it is agreed on when they meet.
        address, port: of the first node.
    """

    variables: Mapping[str, str]
    nodes: int | None
    node_rank: int | None
    address: str
    port: int


def read_rendezvous(environment: Mapping[str, str], processes: int) -> Rendezvous | None:
    """Where the nodes of this run meet, or None for a run on this machine alone.

    Args:
        processes: of each node.

    Raises:
        UserError: a variable is missing or makes no sense.
    """
    if "PET_NNODES" in environment:
        return _from_torchrun(environment)
    if "WORLD_SIZE" in environment and "MASTER_ADDR" in environment:
        return _from_ranks(environment, processes)
    return None


def processes_per_node(environment: Mapping[str, str]) -> int | None:
    """How many processes the operator wants on each node, if it wants a certain number."""
    count = environment.get("PET_NPROC_PER_NODE", "")
    return int(count) if count.isdecimal() else None


def _from_torchrun(environment: Mapping[str, str]) -> Rendezvous | None:
    least, _, most = environment["PET_NNODES"].partition(":")
    if not (least.isdecimal() and (most or least).isdecimal()):
        raise UserError(f"PET_NNODES is {environment['PET_NNODES']!r}: it must be a number, or least:most")
    if int(most or least) == 1:
        return None
    if "PET_RDZV_ENDPOINT" in environment:
        address, _, port = environment["PET_RDZV_ENDPOINT"].partition(":")
        port = port or str(_DEFAULT_PORT)
    else:
        address = _value(environment, "PET_MASTER_ADDR")
        port = environment.get("PET_MASTER_PORT", str(_DEFAULT_PORT))
    agreed = environment.get("PET_RDZV_BACKEND", "static") != "static"
    return Rendezvous(
        variables={},
        nodes=int(least) if least == (most or least) else None,
        node_rank=None if agreed else _number(environment, "PET_NODE_RANK"),
        address=address,
        port=int(port),
    )


def _from_ranks(environment: Mapping[str, str], processes: int) -> Rendezvous | None:
    world = _number(environment, "WORLD_SIZE")
    if world in (1, processes):
        return None
    if world % processes:
        raise UserError(
            f"WORLD_SIZE is {world}, which is no multiple of the {processes} processes of this node: "
            "set processes to a divisor"
        )
    node_rank = _number(environment, "RANK")
    address = _value(environment, "MASTER_ADDR")
    port = int(environment.get("MASTER_PORT", _DEFAULT_PORT))
    return Rendezvous(
        variables={
            "PET_NNODES": str(world // processes),
            "PET_NODE_RANK": str(node_rank),
            "PET_MASTER_ADDR": address,
            "PET_MASTER_PORT": str(port),
        },
        nodes=world // processes,
        node_rank=node_rank,
        address=address,
        port=port,
    )


def _number(environment: Mapping[str, str], name: str) -> int:
    value = _value(environment, name)
    if not value.isdecimal():
        raise UserError(f"{name} is {value!r}: it must be a number")
    return int(value)


def _value(environment: Mapping[str, str], name: str) -> str:
    if name not in environment:
        raise UserError(f"this run has several nodes, but {name} is not set: start it as a training job does")
    return environment[name]
