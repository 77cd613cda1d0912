"""What must be known of all rows before any can be written: which are duplicates, and who is held out.

One pass over all inputs makes the layout; it is left in the workspace, so that the units of the stage,
wherever they run, read it instead of making it again. Memory: about 500 bytes a row.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from components.dataset.assemble_preferences.config import AssemblePreferencesConfig
from components.dataset.assemble_preferences.split import Groups, held_out_nodes, nodes_of
from components.dataset.assemble_preferences.unprompted import (
    JUDGED_COLUMNS,
    UnpromptedPair,
    from_imported,
    from_judged,
)
from themis_common.config import result_values
from themis_common.hashing import canonical_json, digest_of
from themis_common.stages import Context


@dataclass(frozen=True)
class Layout:
    """The global facts.

    Attributes:
        duplicates: for each unit, the positions of rows that repeat another; the kept one is named by its
            key.
        held_out: nodes of the groups that are kept from training.
    """

    duplicates: dict[str, dict[int, str]]
    held_out: frozenset[str]


def plan_units(context: Context[AssemblePreferencesConfig]) -> list[str]:
    """One unit for each shard of either input."""
    return [f"{name}:{shard.name}" for name, reader in context.inputs.items() for shard in reader.shards]


def pairs_of(context: Context[AssemblePreferencesConfig], unit: str) -> Iterator[UnpromptedPair]:
    """The rows of a unit, in their order."""
    name, _, shard = unit.partition(":")
    reader = context.inputs[name]
    if name == "judged":
        for row in reader.rows(shard, columns=JUDGED_COLUMNS):
            yield from_judged(row, context.config.source)
    else:
        yield from map(from_imported, reader.rows(shard))


def split_nodes(pair: UnpromptedPair, config: AssemblePreferencesConfig) -> list[str]:
    """The nodes that a pair connects in the split."""
    repos = pair.repos if config.split_by == "repository" else []
    return nodes_of(repos, pair.commit, pair.input)


def layout_of(context: Context[AssemblePreferencesConfig]) -> Layout:
    """The layout for this configuration and these inputs, from the workspace where it is there already."""
    inputs = {name: reader.digest for name, reader in context.inputs.items()}
    shards = {name: [shard.sha256 for shard in reader.shards] for name, reader in context.inputs.items()}
    file = f"layout-{digest_of([result_values(context.config), inputs, shards])[:20]}.json"
    if context.workspace.exists(file):
        return _from_json(context.workspace.read_bytes(file))
    layout = _make(context)
    context.workspace.write_bytes(file, _to_json(layout))
    return layout


def _make(context: Context[AssemblePreferencesConfig]) -> Layout:
    groups = Groups()
    rows: Counter[str] = Counter()
    kept: dict[str, tuple[str, str, int]] = {}
    repeats: list[tuple[str, tuple[str, str, int]]] = []
    for unit in plan_units(context):
        for position, pair in enumerate(pairs_of(context, unit)):
            nodes = split_nodes(pair, context.config)
            groups.join(nodes)
            rows[nodes[0]] += 1
            row = (pair.row_key, unit, position)
            other = kept.setdefault(pair.identity, row)
            if other is not row:
                # The smallest key stays, whatever the order in which shards are read.
                kept[pair.identity], repeat = min(other, row), max(other, row)
                repeats.append((pair.identity, repeat))
    duplicates: dict[str, dict[int, str]] = {}
    for identity, (_, unit, position) in repeats:
        duplicates.setdefault(unit, {})[position] = kept[identity][0]
    held_out = held_out_nodes(groups, rows, context.config.held_out_share, context.config.seed)
    return Layout(duplicates, frozenset(held_out))


def _to_json(layout: Layout) -> bytes:
    duplicates = {
        unit: {str(position): key for position, key in rows.items()}
        for unit, rows in layout.duplicates.items()
    }
    document = {"duplicates": duplicates, "held_out": sorted(layout.held_out)}
    return canonical_json(document).encode()


def _from_json(data: bytes) -> Layout:
    document = json.loads(data)
    duplicates = {
        unit: {int(position): key for position, key in rows.items()}
        for unit, rows in document["duplicates"].items()
    }
    return Layout(duplicates, frozenset(document["held_out"]))
