"""The third round, over parts of the components: which changes go, and for which change that stays.

The contents of a component are taken in the order in which they are to be kept, and each goes when one that stays
resembles it (`themis_common/text/near_duplicates.py`), which depends on no other component.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from components.dataset.deduplicate.compared import BATCH_BYTES, COMPARED
from components.dataset.deduplicate.config import DeduplicateConfig
from components.dataset.deduplicate.contents import Contents, read_contents
from components.dataset.deduplicate.links import LINKS
from components.dataset.deduplicate.parts import plan_parts
from components.dataset.deduplicate.signatures import SIGNATURES, band_keys_of
from themis_common.schemas import CHANGES, optional, required, schema_of
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.text.engine import open_engine
from themis_common.text.near_duplicates import ALONE, Duplicate, ShingleSets, band_groups
from themis_common.text.published import published_clusters

DUPLICATES = schema_of(
    "duplicate_changes",
    1,
    required("reason", pa.string()),
    required("kept_key", pa.string()),
    optional("similarity", pa.float64()),
)
"""A change that goes, as `exact_duplicate` or `near_duplicate` of the one that stays, and the exact Jaccard similarity
of the two; null where it was not computed."""


@dataclass(frozen=True, slots=True)
class _Near:
    """The content that stays for another one, and their similarity if it is known."""

    kept: int
    similarity: float | None


def _work(context: Context[DeduplicateConfig], unit: str, output: UnitOutput) -> None:
    contents = read_contents(context, unit)
    near = _near_duplicates(context, contents)
    goes = np.zeros(contents.number, dtype=bool)
    goes[list(near)] = True
    of_row = contents.of_row
    is_first = np.zeros(len(of_row), dtype=bool)
    is_first[contents.first_row] = True
    rows = np.flatnonzero(goes[of_row] | ~is_first)
    keys = contents.row_keys.take(pa.array(rows)).to_pylist()
    for key, content in zip(keys, of_row[rows].tolist(), strict=True):
        duplicate = near.get(content)
        kept, similarity = (content, 1.0) if duplicate is None else (duplicate.kept, duplicate.similarity)
        output.emit(
            {
                "row_key": key,
                "reason": "exact_duplicate" if duplicate is None else "near_duplicate",
                "kept_key": contents.key_of(kept),
                "similarity": similarity,
            },
            sources=(),
        )


def _near_duplicates(context: Context[DeduplicateConfig], contents: Contents) -> dict[int, _Near]:
    """The contents that go."""
    linked = contents.linked
    if not len(linked):
        return {}
    rows = contents.first_row[linked]
    groups = band_groups(
        band_keys_of(contents.band_keys.take(pa.array(rows)), context.config.signing().bands)
    )
    found: Mapping[int, Duplicate | _Near]
    if context.config.method == "published":
        clusters = published_clusters(groups, range(len(linked)))
        found = {index: _Near(kept, None) for index, kept in clusters.items()}
    else:
        found = _verified(context, contents, groups)
    return {
        int(linked[index]): _Near(int(linked[duplicate.kept]), duplicate.similarity)
        for index, duplicate in found.items()
    }


def _verified(
    context: Context[DeduplicateConfig], contents: Contents, groups: NDArray[np.int32]
) -> dict[int, Duplicate]:
    """What goes of the linked contents, by its index among them; the first ones are the first to be kept."""
    config = context.config
    engine = open_engine(config.engine, config.signing(), config.threads)
    is_candidate = (groups != ALONE).any(axis=1)
    order = np.flatnonzero(is_candidate).tolist()
    rows = contents.first_row[contents.linked]
    shingles = ShingleSets(
        np.where(is_candidate, contents.num_shingles[rows], 0), context.scratch / "shingles"
    )
    keys = contents.row_keys.take(pa.array(rows)).to_pylist()
    index_of = {keys[index]: index for index in order}
    for texts in _texts(context, index_of):
        shingles.fill(texts.keys(), engine.shingles(list(texts.values())))
    return engine.find_duplicates(groups, order, shingles, config.threshold)


def _texts(context: Context[DeduplicateConfig], index_of: Mapping[str, int]) -> Iterator[dict[int, bytes]]:
    """The compared texts of the rows with these keys, by index, some megabytes at a time."""
    compared = COMPARED[context.config.compare]
    batch: dict[int, bytes] = {}
    size = done = 0
    changes = context.inputs["changes"]
    for part in changes.batches(columns=["row_key", *compared.columns]):
        wanted = pa.array([key in index_of for key in part["row_key"].to_pylist()], pa.bool_())
        for row in part.filter(wanted).to_pylist():
            index = index_of[row["row_key"]]
            batch[index] = compared.of(row).encode("utf-8")
            size += len(batch[index])
            if size >= BATCH_BYTES:
                yield batch
                batch, size = {}, 0
        done += part.num_rows
        context.progress.update(done, changes.manifest.rows, "changes looked through for candidates")
    yield batch


FIND = Stage(
    name="dataset.deduplicate.find",
    version=1,
    config=DeduplicateConfig,
    inputs={"changes": CHANGES, "signatures": SIGNATURES, "links": LINKS},
    output=DUPLICATES,
    plan=plan_parts,
    work=_work,
)
