"""The first round, over shards of the input: what is kept of each change in place of its text."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from components.dataset.deduplicate.compared import BATCH_BYTES, COMPARED
from components.dataset.deduplicate.config import DeduplicateConfig
from components.dataset.deduplicate.parts import Numbers
from themis_common.schemas import CHANGES, required, schema_of
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.text.engine import Sketcher, open_engine
from themis_common.text.published import PublishedSketcher

CONTENT_BYTES = 16

SIGNATURES = schema_of(
    "change_signatures",
    1,
    required("unix_time", pa.int64()),
    required("num_bytes", pa.int64()),
    required("content", pa.binary(CONTENT_BYTES)),
    required("num_shingles", pa.uint32()),
    required("band_keys", pa.large_binary()),
)
"""A change's compared text: its bytes in UTF-8, a digest of them, at most how many shingles it has, and its band keys,
8 bytes each, little-endian. A text shorter than a shingle has no band keys: only its copies are duplicates of it."""


def content_numbers(contents: pa.Array) -> Numbers:
    """The first 8 bytes of each digest in the column `content`.

    They stand for contents wherever a mistake costs nothing but a comparison.
    """
    digests = np.frombuffer(contents.buffers()[1], dtype=np.uint8).reshape(-1, CONTENT_BYTES)
    rows = digests[contents.offset : contents.offset + len(contents), :8]
    return np.ascontiguousarray(rows).view("<u8").ravel().astype(np.uint64)


def band_keys_of(column: pa.Array, bands: int) -> Numbers:
    """What is in the column `band_keys`, none of whose rows is empty: shape (rows, bands)."""
    return np.frombuffer(b"".join(column.to_pylist()), dtype="<u8").reshape(-1, bands).astype(np.uint64)


@dataclass(frozen=True, slots=True)
class _Compared:
    """A row and the text that is compared, in UTF-8."""

    row_key: str
    unix_time: int
    text: bytes


def _work(context: Context[DeduplicateConfig], unit: str, output: UnitOutput) -> None:
    compared, sketcher = COMPARED[context.config.compare], _sketcher(context.config)
    batch: list[_Compared] = []
    size = 0
    columns = ["row_key", "unix_time", *compared.columns]
    for done, row in enumerate(context.inputs["changes"].rows(unit, columns)):
        batch.append(_Compared(row["row_key"], row["unix_time"], compared.of(row).encode("utf-8")))
        size += len(batch[-1].text)
        if size >= BATCH_BYTES:
            _sign(batch, sketcher, output)
            batch, size = [], 0
        context.progress.update(done, unit=f"changes of {unit} signed")
    _sign(batch, sketcher, output)


def _sketcher(config: DeduplicateConfig) -> Sketcher:
    if config.method == "published":
        return PublishedSketcher(config.signing())
    return open_engine(config.engine, config.signing(), config.threads)


def _sign(batch: Sequence[_Compared], sketcher: Sketcher, output: UnitOutput) -> None:
    sketches = sketcher.sketch([each.text for each in batch])
    band_keys = map(bytes, sketches.keys.astype("<u8"))
    output.read(each.row_key for each in batch)
    for each, num_shingles in zip(batch, sketches.num_shingles.tolist(), strict=True):
        output.emit(
            {
                "row_key": each.row_key,
                "unix_time": each.unix_time,
                "num_bytes": len(each.text),
                "content": hashlib.blake2b(each.text, digest_size=CONTENT_BYTES).digest(),
                "num_shingles": num_shingles,
                "band_keys": next(band_keys) if num_shingles else b"",
            }
        )


SIGN = Stage(
    name="dataset.deduplicate.sign",
    version=1,
    config=DeduplicateConfig,
    inputs={"changes": CHANGES},
    output=SIGNATURES,
    work=_work,
)
