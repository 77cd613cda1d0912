"""Remove changes whose file is a copy or a near-duplicate of an earlier one.

Candidates come from MinHash bands, each is verified by exact Jaccard similarity, and a row goes only when a row
that stays is that similar. The decisions need the whole dataset; the rows then pass shard by shard. Source:
facts/dataset.md sections 7 and 16.1 rows 14 to 16.
"""

import pyarrow as pa

from components.dataset.deduplicate.config import DeduplicateConfig
from components.dataset.deduplicate.decisions import (
    COMPARED,
    Decision,
    decide,
    decide_as_published,
    decisions_name,
    load_decisions,
    store_decisions,
)
from themis_common.config import config_hash
from themis_common.schemas import CHANGES, Schema
from themis_common.stages import Context, Stage, UnitOutput

_INPUT = "changes"

CLUSTERS = Schema(
    "duplicate_clusters",
    1,
    pa.schema(
        [
            pa.field("row_key", pa.string(), nullable=False),
            pa.field("kept_key", pa.string(), nullable=False),
            pa.field("similarity", pa.float64()),
        ]
    ),
)
"""Every dropped row with the row that stays for it, whose key names the cluster; similarity is their exact Jaccard
similarity, null where nothing was verified."""


def _decided(context: Context[DeduplicateConfig]) -> str:
    """The file of the decisions on the whole dataset, made by whoever asks first and kept in the workspace."""
    name = decisions_name(config_hash(context.config), context.inputs[_INPUT].digest, str(STAGE.version))
    if not context.workspace.exists(name):
        store_decisions(context.workspace, name, _decide(context))
    return name


def _decide(context: Context[DeduplicateConfig]) -> dict[str, Decision]:
    changes, config = context.inputs[_INPUT], context.config
    compared, signing = COMPARED[config.compare], config.signing()
    if config.method == "published":
        return decide_as_published(
            lambda columns: changes.rows(columns=columns),
            compared,
            signing,
            context.progress,
            keep=config.keep,
        )
    return decide(
        lambda columns: changes.rows(columns=columns),
        compared,
        signing,
        config.threshold,
        context.progress,
        keep=config.keep,
        engine=config.engine,
        threads=config.threads,
    )


def _plan(context: Context[DeduplicateConfig]) -> list[str]:
    """One unit for each shard, once the decisions are there for all of them."""
    _decided(context)
    return [shard.name for shard in context.inputs[_INPUT].shards]


def _work(context: Context[DeduplicateConfig], unit: str, output: UnitOutput) -> None:
    changes = context.inputs[_INPUT]
    row_keys = [row["row_key"] for row in changes.rows(unit, ["row_key"])]
    decisions = load_decisions(context.workspace, _decided(context), row_keys)
    for row in changes.rows(unit):
        key = row["row_key"]
        output.read([key])
        decision = decisions.get(key)
        if decision is None:
            output.emit(row)
        else:
            output.drop(key, decision.reason, _detail(decision))
            output.add(
                "clusters",
                {"row_key": key, "kept_key": decision.kept_key, "similarity": decision.similarity},
            )


def _detail(decision: Decision) -> str:
    if decision.similarity is None:
        return f"kept {decision.kept_key}, not verified"
    return f"kept {decision.kept_key}, similarity {decision.similarity:.4f}"


STAGE = Stage(
    name="dataset.deduplicate",
    version=2,
    config=DeduplicateConfig,
    inputs={_INPUT: CHANGES},
    output=CHANGES,
    side_tables={"clusters": CLUSTERS},
    reasons=("exact_duplicate", "near_duplicate"),
    plan=_plan,
    work=_work,
)
