"""Remove changes whose file is a copy or a near-duplicate of an earlier one.

Candidates come from MinHash bands, each is verified by exact Jaccard similarity, and a row goes only when a row
that stays is that similar. The decisions need the whole dataset; the rows then pass shard by shard. Source:
facts/dataset.md sections 7 and 16.1 rows 14 to 16.
"""

from typing import Literal

from components.dataset.deduplicate.content_index import Signing
from components.dataset.deduplicate.decisions import (
    COMPARED,
    Decision,
    decide,
    decisions_name,
    load_decisions,
    store_decisions,
)
from themis_common.config import config, config_hash, option
from themis_common.schemas import CHANGES
from themis_common.stages import Context, Stage, UnitOutput

_INPUT = "changes"


@config
class DeduplicateConfig:
    """What counts as a duplicate; the defaults are the published ones but for the weight."""

    compare: Literal["new_contents", "old_contents", "changed_lines"] = option(
        "new_contents",
        help="what is compared: the file after or before the change, or the lines that were removed and added; "
        "with changed_lines several changes of one file can stay",
    )
    threshold: float = option(0.7, help="Jaccard similarity, 0..1, from which two files count as the same")
    shingle_size: int = option(5, help="words in a shingle; shorter files are compared as a whole")
    permutations: int = option(256, help="length of the MinHash signatures")
    seed: int = option(77, help="seed of the permutations")
    false_positive_weight: float = option(
        0.01,
        help="weight of a needless comparison against a missed duplicate when bands are chosen; 0.01 gives 39 "
        "bands of 6 rows and finds 99 % at the threshold, the published 0.5 gives 25 of 10 and finds 51 %",
    )

    def __post_init__(self) -> None:
        for name, low, high in (
            ("threshold", 0.1, 1.0),
            ("shingle_size", 1, 100),
            ("permutations", 8, 1024),
            ("seed", 0, 2**32 - 1),
            ("false_positive_weight", 0.0, 1.0),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must be from {low} to {high}, found {value}")

    def signing(self) -> Signing:
        """How candidates are found."""
        return Signing.choose(
            threshold=self.threshold,
            shingle_size=self.shingle_size,
            permutations=self.permutations,
            seed=self.seed,
            false_positive_weight=self.false_positive_weight,
        )


def _decisions(context: Context[DeduplicateConfig]) -> dict[str, Decision]:
    """The decisions on the whole dataset, made by whoever asks first and kept in the workspace."""
    changes, config = context.inputs[_INPUT], context.config
    name = decisions_name(config_hash(config), changes.digest, str(STAGE.version))
    if not context.workspace.exists(name):
        made = decide(
            lambda columns: changes.rows(columns=columns),
            COMPARED[config.compare],
            config.signing(),
            config.threshold,
            context.progress,
        )
        store_decisions(context.workspace, name, made)
    return load_decisions(context.workspace, name)


def _plan(context: Context[DeduplicateConfig]) -> list[str]:
    """One unit for each shard, once the decisions are there for all of them."""
    _decisions(context)
    return [shard.name for shard in context.inputs[_INPUT].shards]


def _work(context: Context[DeduplicateConfig], unit: str, output: UnitOutput) -> None:
    decisions = _decisions(context)
    for row in context.inputs[_INPUT].rows(unit):
        key = row["row_key"]
        output.read([key])
        decision = decisions.get(key)
        if decision is None:
            output.emit(row)
        else:
            output.drop(
                key, decision.reason, f"kept {decision.kept_key}, similarity {decision.similarity:.4f}"
            )


STAGE = Stage(
    name="dataset.deduplicate",
    version=1,
    config=DeduplicateConfig,
    inputs={_INPUT: CHANGES},
    output=CHANGES,
    reasons=("exact_duplicate", "near_duplicate"),
    plan=_plan,
    work=_work,
)
