"""Opening parquet files of others."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from themis_common.datasets.parquet_file import numbered_rows, open_parquet
from themis_common.errors import UserError
from themis_common.store import open_store


def test_rows_are_numbered_across_batches_and_row_groups(tmp_path: Path) -> None:
    table = pa.table({"number": range(1000), "text": ["x"] * 1000})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=300)
    with open_parquet(open_store(str(tmp_path)), "a.parquet", remedy="copy it") as parquet:
        rows = list(numbered_rows(parquet, ["number"]))
    assert rows == [(number + 1, {"number": number}) for number in range(1000)]


def test_all_columns_are_read_unless_some_are_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "a.parquet")
    with open_parquet(open_store(str(tmp_path)), "a.parquet", remedy="copy it") as parquet:
        assert list(numbered_rows(parquet)) == [(1, {"a": 1, "b": "x"})]


def test_a_missing_or_damaged_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 but not really")
    store = open_store(str(tmp_path))
    for name, problem in (("gone.parquet", "is missing"), ("damaged.parquet", "cannot be read as parquet")):
        with pytest.raises(UserError) as caught, open_parquet(store, name, remedy="copy it again"):
            pass
        assert str(caught.value).startswith(f"{store.uri}/{name} {problem}")
        assert str(caught.value).endswith("; copy it again")
