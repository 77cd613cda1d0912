"""The second round, over ranges of band keys: which contents may be near-duplicates of each other.

Contents that share a band key are candidates, and so are, through others, all of a connected component: whatever
decides on a content looks at its component alone. So a range of keys links each content to one of the component that it
is in by these keys; there are never more links than contents.
"""

import numpy as np
import pyarrow as pa

from components.dataset.deduplicate.config import DeduplicateConfig
from components.dataset.deduplicate.parts import Numbers, in_part, plan_parts
from components.dataset.deduplicate.signatures import SIGNATURES, band_keys_of, content_numbers
from themis_common.hashing import row_key
from themis_common.schemas import required, schema_of
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.text.components import connect

_KEYS_COMPARED = 1 << 20
"""Keys that are copied in their order at once: a sorted copy of all would take as much memory as the keys."""

LINKS = schema_of(
    "duplicate_links",
    1,
    required("content", pa.uint64()),
    required("linked", pa.uint64()),
)
"""Two contents of one component, by `content_numbers`."""


def _work(context: Context[DeduplicateConfig], unit: str, output: UnitOutput) -> None:
    keys, contents = _of_range(context, unit)
    linked, roots = connect(*_neighbours(keys, contents))
    for content, root in zip(linked.tolist(), roots.tolist(), strict=True):
        if content != root:
            key = row_key(unit, content)
            output.emit({"row_key": key, "content": content, "linked": root}, sources=())


def _of_range(context: Context[DeduplicateConfig], unit: str) -> tuple[Numbers, Numbers]:
    """All band keys in the range, each with the content that has it."""
    bands = context.config.signing().bands
    keys, contents = bytearray(), bytearray()
    signatures = context.inputs["signatures"]
    done = 0
    for batch in signatures.batches(columns=["content", "num_shingles", "band_keys"]):
        signed = batch.filter(pa.array(batch["num_shingles"].to_numpy() > 0))
        table = band_keys_of(signed["band_keys"], bands)
        chosen = in_part(table, unit)
        keys += table[chosen].tobytes()
        contents += np.repeat(content_numbers(signed["content"]), chosen.sum(axis=1)).tobytes()
        done += batch.num_rows
        context.progress.update(done, signatures.manifest.rows, f"signatures read for keys {unit}")
    return np.frombuffer(keys, dtype=np.uint64), np.frombuffer(contents, dtype=np.uint64)


def _neighbours(keys: Numbers, contents: Numbers) -> tuple[Numbers, Numbers]:
    """Pairs of contents that have a key in common: the neighbours in the order of the keys."""
    order = np.argsort(keys)
    lefts, rights = [contents[:0]], [contents[:0]]
    for start in range(0, len(order) - 1, _KEYS_COMPARED):
        here = order[start : start + _KEYS_COMPARED + 1]
        same = np.flatnonzero(keys[here[1:]] == keys[here[:-1]])
        left, right = contents[here[same]], contents[here[same + 1]]
        different = left != right
        lefts.append(left[different])
        rights.append(right[different])
    return np.concatenate(lefts), np.concatenate(rights)


LINK = Stage(
    name="dataset.deduplicate.link",
    version=1,
    config=DeduplicateConfig,
    inputs={"signatures": SIGNATURES},
    output=LINKS,
    plan=plan_parts,
    work=_work,
)
