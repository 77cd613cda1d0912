"""Stages whose work is global: what must be known of the whole input is worked out in rounds, themselves stages.

A round has units of its own, runs on the configuration of its stage, reads what it declares of the stage's inputs and
of the rounds before it, and writes a dataset beside the stage's output. So each round is resumable, and spreads over
pods, as any stage; the stage then reads the rounds' datasets like inputs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from themis_common.stages.stage import Stage
from themis_common.store import open_store

C = TypeVar("C")
_ROUNDS = "_rounds"


@dataclass(frozen=True, kw_only=True)
class Part(Generic[C]):
    """A round of a stage, or the stage itself, and where it reads and writes."""

    stage: Stage[C]
    inputs: Mapping[str, str]
    output: str


def parts_of(stage: Stage[C], inputs: Mapping[str, str], output: str) -> list[Part[C]]:
    """What is to be done for `output`, in order: the rounds, then the stage itself."""
    known = dict(inputs)
    parts = []
    for name, work in stage.rounds.items():
        needed = {key: uri for key, uri in known.items() if key in work.inputs}
        known[name] = round_location(output, name)
        parts.append(Part(stage=work, inputs=needed, output=known[name]))
    return [*parts, Part(stage=stage, inputs=inputs, output=output)]


def round_location(output: str, name: str) -> str:
    """Where the dataset of the round `name` lies for a stage that writes to `output`."""
    return open_store(output).child(f"{_ROUNDS}/{name}").uri
