"""Comparing datasets by row key: what is found, and that sharding and order do not matter."""

import math
from pathlib import Path

import pyarrow as pa
import pytest

from tests.themis_common.datasets.written import pair, write_rows
from themis_common.datasets.any_table import AnyTable
from themis_common.datasets.diff import ChangedRow, compare
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.schemas import LINEAGE, PAIRS, SCORES, Schema

ROWS = [pair(number) for number in range(20)]


def test_sharding_and_order_make_no_difference(tmp_path: Path) -> None:
    a = write_rows(tmp_path / "a", PAIRS, ROWS, shards=1)
    b = write_rows(tmp_path / "b", PAIRS, ROWS[::-1], shards=4)
    assert compare(a, b).equal
    assert compare(a, b).rows == (20, 20)


def test_every_kind_of_difference_is_counted_and_named(tmp_path: Path) -> None:
    changed = [
        *ROWS[:3],
        pair(3, chosen="other"),
        pair(4, chosen="other", system="Be kind."),
        *ROWS[6:],
        pair(99),
    ]
    a = write_rows(tmp_path / "a", PAIRS, ROWS, shards=3)
    b = write_rows(tmp_path / "b", PAIRS, changed[::-1], shards=2)
    found = compare(a, b)
    assert not found.equal
    assert (found.only_in_a, found.only_in_b, found.changed) == (1, 1, 2)
    assert found.keys_only_in_a == (row_key("pair", 5),)
    assert found.keys_only_in_b == (row_key("pair", 99),)
    assert found.columns == {"chosen": 2, "system": 1}
    assert sorted(found.samples, key=lambda row: len(row.values)) == [
        ChangedRow(row_key=row_key("pair", 3), values={"chosen": ("sorted(values_3)", "other")}),
        ChangedRow(
            row_key=row_key("pair", 4),
            values={"system": (None, "Be kind."), "chosen": ("sorted(values_4)", "other")},
        ),
    ]


def test_samples_are_limited_and_counts_are_not(tmp_path: Path) -> None:
    a = write_rows(tmp_path / "a", PAIRS, ROWS)
    b = write_rows(tmp_path / "b", PAIRS, [pair(number, source="elsewhere") for number in range(20)])
    found = compare(a, b, samples=2)
    assert (found.changed, len(found.samples)) == (20, 2)
    nothing = compare(a, write_rows(tmp_path / "c", PAIRS, []), samples=2)
    assert (nothing.only_in_a, len(nothing.keys_only_in_a), nothing.changed) == (20, 2, 0)


def test_schemas_are_compared_and_shared_columns_still_are(tmp_path: Path) -> None:
    def schema(*columns: tuple[str, pa.DataType], version: int) -> Schema:
        return Schema("things", version, pa.schema([("row_key", pa.string()), *columns]))

    old = schema(("size", pa.int32()), ("name", pa.string()), ("gone", pa.bool_()), version=1)
    new = schema(("size", pa.int64()), ("name", pa.string()), ("fresh", pa.bool_()), version=2)
    a = write_rows(tmp_path / "a", old, [{"row_key": "k", "size": 1, "name": "x", "gone": True}])
    b = write_rows(tmp_path / "b", new, [{"row_key": "k", "size": 1, "name": "y", "fresh": True}])
    found = compare(a, b)
    assert found.schema == (
        "A is things version 1, B is things version 2",
        "column 'gone' is only in A",
        "column 'fresh' is only in B",
        "column 'size' is int32 in A and int64 in B",
    )
    assert found.columns == {"name": 1}


def test_a_new_column_alone_is_a_difference(tmp_path: Path) -> None:
    columns = pa.schema([("row_key", pa.string()), ("size", pa.int64())])
    a = write_rows(tmp_path / "a", Schema("things", 1, columns), [{"row_key": "k", "size": 1}])
    wider = Schema("things", 1, columns.append(pa.field("more", pa.int64())))
    b = write_rows(tmp_path / "b", wider, [{"row_key": "k", "size": 1, "more": 2}])
    found = compare(a, b)
    assert (found.changed, found.equal) == (0, False)


def test_null_and_nan_and_minus_zero_are_values(tmp_path: Path) -> None:
    def scores(folder: str, *values: float | None) -> str:
        rows = [
            {
                "row_key": str(number),
                "cell": "c",
                "id": str(number),
                "chosen_score": value,
                "rejected_score": 1.0,
                "language": "C",
                "aspect": "x",
                "subset": "s",
                "failure": None,
            }
            for number, value in enumerate(values)
        ]
        return write_rows(tmp_path / folder, SCORES, rows, shards=2)

    a = scores("a", math.nan, None, 0.0, 1.0)
    b = scores("b", math.nan, 0.0, -0.0, 1.0)
    assert {row.row_key for row in compare(a, b).samples} == {"1", "2"}


def test_a_table_that_one_side_lacks_has_no_rows(tmp_path: Path) -> None:
    a = write_rows(tmp_path / "a", PAIRS, ROWS, dropped={"gone": "why"})
    b = write_rows(tmp_path / "b", PAIRS, ROWS)
    found = compare(a, b, "rejected")
    assert (found.rows, found.only_in_a, found.schema) == ((1, 0), 1, ())
    with pytest.raises(UserError, match="neither dataset has a table 'votes'"):
        compare(a, b, "votes")


def test_a_repeated_key_is_refused_on_either_side(tmp_path: Path) -> None:
    # each unit checks its own keys; two units can write the same one
    twice = write_rows(tmp_path / "twice", PAIRS, [pair(1), pair(1)], shards=2)
    once = write_rows(tmp_path / "once", PAIRS, [pair(1)])
    for sides in ((twice, once), (once, twice)):
        with pytest.raises(UserError, match=f"{row_key('pair', 1)} stands twice in the table data"):
            compare(*sides)


def test_a_damaged_shard_is_named(tmp_path: Path) -> None:
    a = write_rows(tmp_path / "a", PAIRS, ROWS)
    b = write_rows(tmp_path / "b", PAIRS, ROWS[:5])
    shard = tmp_path / "a/data/00000.parquet"
    shard.write_bytes(shard.read_bytes()[:-8])
    with pytest.raises(UserError, match=r"a/data/00000\.parquet"):
        compare(a, b)
    shard.unlink()
    with pytest.raises(UserError, match=r"a/data/00000\.parquet is missing"):
        compare(a, b)


def test_columns_are_read_without_the_rest(tmp_path: Path) -> None:
    uri = write_rows(tmp_path / "a", PAIRS, ROWS, shards=2)
    table = AnyTable(uri)
    first, second = table.shards
    keys = [batch.column("row_key").to_pylist() for batch in table.batches(["row_key"], only=second)]
    assert keys == [[row["row_key"] for row in ROWS[1::2]]]
    assert [batch.schema.names for batch in table.batches(["row_key"], only=first, verified=False)] == [
        ["row_key"]
    ]
    assert AnyTable(uri, "lineage").columns() is None
    assert list(AnyTable(uri, "lineage").batches()) == []
    assert LINEAGE.name not in table.manifest.tables
