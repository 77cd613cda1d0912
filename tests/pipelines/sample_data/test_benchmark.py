import uuid
from collections import Counter

import pyarrow.parquet as pq

from pipelines.sample_data import SampleData
from pipelines.sample_data.benchmark import COLUMNS, benchmark_table
from pipelines.sample_data.templates.catalogue import benchmark_changes
from tests.pipelines.sample_data.git_reading import blob, single_code_changes
from themis_common.schemas import BENCHMARK
from themis_common.taxonomy import CODE_CRITERIA, CODE_LANGUAGES


def test_columns_are_those_of_the_benchmark_without_the_row_key() -> None:
    assert ["row_key", *COLUMNS.names] == BENCHMARK.names
    for name in COLUMNS.names:
        assert COLUMNS.field(name).equals(BENCHMARK.columns.field(name))


def test_every_cell_has_as_many_rows(small: SampleData, full: SampleData) -> None:
    for sample, rows_per_cell in ((small, 2), (full, 8)):
        rows = pq.read_table(sample.benchmark).to_pylist()
        cells = Counter((row["language"], row["aspect"]) for row in rows)
        assert len(cells) == len(CODE_LANGUAGES) * len(CODE_CRITERIA)
        assert set(cells.values()) == {rows_per_cell}


def test_ids_are_uuids_below_their_subset() -> None:
    ids = benchmark_table(80, seed=7)["id"].to_pylist()
    assert len(set(ids)) == 80
    for one in ids:
        identifier = one.rpartition("_")[2]
        assert uuid.UUID(identifier).version == 4


def test_a_subset_is_a_template_and_all_come_equally_often(full: SampleData) -> None:
    rows = pq.read_table(full.benchmark).to_pylist()
    subsets = Counter(row["subset"] for row in rows)
    assert set(subsets) == {f"SAMPLE/{one.id}" for one in benchmark_changes()}
    assert set(subsets.values()) == {4}
    for row in rows:
        assert row["id"].startswith(row["subset"])
        assert row["subset"].startswith(f"SAMPLE/{row['language']}/{row['aspect']}/")


def test_the_longer_side_wins_about_half_of_the_time(full: SampleData) -> None:
    rows = pq.read_table(full.benchmark).to_pylist()
    longer = sum(len(row["chosen"]) > len(row["rejected"]) for row in rows)
    assert 0.4 <= longer / len(rows) <= 0.6


def test_pairs_are_distinct() -> None:
    rows = benchmark_table(320, seed=7).to_pylist()
    assert len({(row["chosen"], row["rejected"]) for row in rows}) == 320
    assert all(row["chosen"] != row["rejected"] for row in rows)


def test_no_response_was_ever_committed(full: SampleData) -> None:
    rows = pq.read_table(full.benchmark).to_pylist()
    responses = {row[side].encode() for row in rows for side in ("chosen", "rejected")}
    for repository in full.repositories[:3]:
        for _, change in single_code_changes(repository):
            assert blob(repository, change.new_blob) not in responses
