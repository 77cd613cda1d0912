"""What a shard costs beyond a plain parquet file: writing, reading, and the content digest of a row.

What: rows of the table `changes` (two files of some 4 KB each) through `ShardWriter` and `read_batches` over the local
store. Against: pyarrow alone, with the same schema, compression and rows in a group. What ours does on top: checks
every row's columns, hashes every cell into the content digest, hashes the file, syncs it to the disk and renames it;
on reading it verifies the file's hash first.

How to read it: "x / plain" above 1 is the overhead. Bytes are counted and asserted; seconds are reported.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.benchmarks.code_corpus import code_corpus
from tests.benchmarks.measure import Case, interleaved, timed
from tests.benchmarks.report import Report, Table
from tests.components.dataset.mined import change_row
from themis_common.datasets.shards import ROWS_PER_GROUP, ShardWriter, read_batches, verify_shard
from themis_common.hashing import ContentDigest
from themis_common.schemas import CHANGES
from themis_common.store import open_store

pytestmark = pytest.mark.slow

NUM_ROWS = 2000
REPETITIONS = 10


def test_shards(report: Report, tmp_path: Path) -> None:
    documents = code_corpus(NUM_ROWS, seed=11)
    rows = [
        change_row(f"{number:040x}", old_contents=text, new_contents=text + "# changed\n")
        for number, text in enumerate(documents)
    ]
    store = open_store(tmp_path)
    plain = tmp_path / "plain.parquet"

    def write_shard() -> ShardWriter:
        with ShardWriter(store, "data/00000.parquet", CHANGES) as writer:
            for row in rows:
                writer.write(row)
        return writer

    def write_plain() -> None:
        with pq.ParquetWriter(plain, CHANGES.columns, compression="zstd") as writer:
            for start in range(0, NUM_ROWS, ROWS_PER_GROUP):
                writer.write_table(
                    pa.Table.from_pylist(rows[start : start + ROWS_PER_GROUP], schema=CHANGES.columns)
                )

    def digest_rows() -> None:
        digest = ContentDigest()
        for row in rows:
            digest.add(row[name] for name in CHANGES.names)

    shard = write_shard().shard
    assert shard is not None
    write_plain()

    def read_shard() -> int:
        verify_shard(store, shard)
        return sum(len(batch.to_pylist()) for batch in read_batches(store, shard, CHANGES))

    def read_plain() -> int:
        batches = pq.ParquetFile(plain).iter_batches(batch_size=ROWS_PER_GROUP)
        return sum(len(batch.to_pylist()) for batch in batches)

    cases: dict[str, Case] = {
        "write, plain": timed(write_plain),
        "write, ours": timed(write_shard),
        "content digest alone": timed(digest_rows),
        "read, plain": timed(read_plain),
        "read, ours": timed(read_shard),
    }
    samples = interleaved(cases, REPETITIONS)
    assert samples["read, ours"].result == samples["read, plain"].result == NUM_ROWS
    bases = {name: samples["read, plain" if name.startswith("read") else "write, plain"] for name in cases}
    report.add(
        Table(
            title=f"Store: {NUM_ROWS:,} rows, {plain.stat().st_size / 1e6:.1f} MB of parquet",
            columns=("case", "CPU us / row", "wall us / row", "x / plain (CPU)"),
            rows=[
                (
                    name,
                    f"{1e6 * sample.cpu / NUM_ROWS:.0f}",
                    f"{1e6 * sample.wall / NUM_ROWS:.0f}",
                    f"{sample.cpu / bases[name].cpu:.2f}",
                )
                for name, sample in samples.items()
            ],
            notes=[
                f"Our file has {shard.bytes / plain.stat().st_size:.3f} times the bytes of the plain one.",
                "Wall seconds of writing ours include waiting for the disk (fsync).",
            ],
        )
    )
    assert shard.bytes < 1.01 * plain.stat().st_size
