"""Remove changes whose file is a copy or a near-duplicate of an earlier one.

Candidates come from MinHash bands, each is verified by exact Jaccard similarity, and a row goes only when a row
that stays is that similar. That takes three rounds: signatures by shard (`signatures.py`), candidates by range of band
keys (`links.py`), duplicates by component (`duplicates.py`). The rows then pass shard by shard. Source:
facts/dataset.md sections 7 and 16.1 rows 14 to 16.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from components.dataset.deduplicate.config import DeduplicateConfig
from components.dataset.deduplicate.duplicates import FIND
from components.dataset.deduplicate.links import LINK
from components.dataset.deduplicate.signatures import SIGN
from themis_common.datasets.reader import DatasetReader
from themis_common.schemas import CHANGES, optional, required, schema_of
from themis_common.stages import Context, Stage, UnitOutput

CLUSTERS = schema_of(
    "duplicate_clusters",
    1,
    required("kept_key", pa.string()),
    optional("similarity", pa.float64()),
)
"""Every dropped row with the row that stays for it, whose key names the cluster; similarity is their exact Jaccard
similarity, null where nothing was verified."""


def _work(context: Context[DeduplicateConfig], unit: str, output: UnitOutput) -> None:
    changes = context.inputs["changes"]
    row_keys = {row["row_key"] for row in changes.rows(unit, ["row_key"])}
    duplicates = _duplicates_among(row_keys, context.inputs["duplicates"])
    for row in changes.rows(unit):
        key = row["row_key"]
        output.read([key])
        duplicate = duplicates.get(key)
        if duplicate is None:
            output.emit(row)
        else:
            output.drop(key, duplicate["reason"], _detail(duplicate))
            output.add("clusters", {name: duplicate[name] for name in CLUSTERS.names})


def _duplicates_among(row_keys: set[str], duplicates: DatasetReader) -> dict[str, Mapping[str, Any]]:
    """The rows of `duplicates` that tell of one of these keys, without holding others."""
    found = {}
    for batch in duplicates.batches():
        wanted = pa.array([key in row_keys for key in batch["row_key"].to_pylist()], pa.bool_())
        found.update({row["row_key"]: row for row in batch.filter(wanted).to_pylist()})
    return found


def _detail(duplicate: Mapping[str, Any]) -> str:
    if duplicate["similarity"] is None:
        return f"kept {duplicate['kept_key']}, not verified"
    return f"kept {duplicate['kept_key']}, similarity {duplicate['similarity']:.4f}"


STAGE = Stage(
    name="dataset.deduplicate",
    version=2,
    config=DeduplicateConfig,
    inputs={"changes": CHANGES},
    output=CHANGES,
    side_tables={"clusters": CLUSTERS},
    reasons=("exact_duplicate", "near_duplicate"),
    work=_work,
    rounds={"signatures": SIGN, "links": LINK, "duplicates": FIND},
)
