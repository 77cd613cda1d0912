"""What a stage is: a name, a version, its tables, and two functions.

A stage author writes `work` (one unit of input to rows) and, where units are not simply the shards of the first
input, `plan`. Sharding, commits, resuming, accounting and manifests are the contract's (see `run.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.progress import Progress
from themis_common.schemas import Schema
from themis_common.stages.output import UnitOutput
from themis_common.store import Store

C = TypeVar("C")


@dataclass(frozen=True, kw_only=True)
class Context(Generic[C]):
    """What a stage gets to see.

    Attributes:
        config: the stage's own configuration.
        inputs: the input datasets by name, and those of the stage's rounds.
        workspace: a private folder that outlives a killed attempt (checkpoints, response logs); not part of the
            output and never hashed.
        scratch: an empty local folder that is removed when the unit ends.
        progress: where to say how far the work is.
    """

    config: C
    inputs: Mapping[str, DatasetReader]
    workspace: Store
    scratch: Path
    progress: Progress


def plan_by_shard(context: Context[C]) -> list[str]:
    """The default plan: one unit for each shard of the first input."""
    first = next(iter(context.inputs.values()))
    return [shard.name for shard in first.shards]


def plan_whole(_: Context[C]) -> list[str]:
    """The plan of a stage whose work is global: one unit."""
    return ["all"]


@dataclass(frozen=True, kw_only=True)
class Stage(Generic[C]):
    """The declaration of a stage.

    Attributes:
        name: `<phase>.<stage>`, as the folder under `components/`.
        version: raised whenever the same input gives another output.
        config: the configuration class.
        inputs: schema of each input; a name ending in `/*` stands for any number of inputs under that prefix.
        optional: names of inputs that may be left out.
        output: schema of the main table.
        side_tables: further tables of the output, by name.
        reasons: every reason under which a key may be dropped.
        work: reads the rows of one unit and writes to the output.
        plan: the units of the work, in an order that depends on nothing but config and inputs.
        fingerprint: digests of what the stage reads from outside the store (repositories, files), by name.
        rounds: what is worked out of the whole input first, in order (see `rounds.py`): stages on the same
            configuration, under the name by which this one and the rounds after them read their output. Whoever
            raises the version of a round raises that of the stage.
    """

    name: str
    version: int
    config: type[C]
    output: Schema
    work: Callable[[Context[C], str, UnitOutput], None]
    inputs: Mapping[str, Schema] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    side_tables: Mapping[str, Schema] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    plan: Callable[[Context[C]], list[str]] = plan_by_shard
    fingerprint: Callable[[C], Mapping[str, str]] | None = None
    rounds: Mapping[str, "Stage[C]"] = field(default_factory=dict)

    def open_inputs(self, uris: Mapping[str, str]) -> dict[str, DatasetReader]:
        """Open the input datasets, in the order of the declaration.

        Raises:
            UserError: an input is missing, unknown, unfinished or of another schema.
        """
        opened: dict[str, DatasetReader] = {}
        for name, schema in self.inputs.items():
            matching = sorted(uri for uri in uris if _matches(name, uri))
            if not matching and name not in self.optional:
                raise UserError(
                    f"stage {self.name} needs the input {name!r} ({schema.name}); pass it with --input {name}=DIR"
                )
            opened.update({match: DatasetReader(uris[match], schema) for match in matching})
        for unknown in sorted(uris.keys() - opened.keys()):
            raise UserError(
                f"stage {self.name} has no input {unknown!r}; its inputs are {', '.join(self.inputs) or 'none'}"
            )
        return opened

    def input_digests(self, config: C, inputs: Mapping[str, DatasetReader]) -> dict[str, str]:
        """What the output depends on beside the configuration: a digest for each input and outside source."""
        outside = self.fingerprint(config) if self.fingerprint else {}
        return {**{name: reader.digest for name, reader in inputs.items()}, **outside}


def _matches(declared: str, name: str) -> bool:
    if declared.endswith("/*"):
        return name.startswith(declared[:-1])
    return name == declared
