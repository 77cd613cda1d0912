"""Opening parquet files of others."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from themis_common.datasets.parquet_file import numbered_rows, open_parquet, read_whole_parquet
from themis_common.errors import UserError
from themis_common.store import open_store


def test_rows_are_numbered_across_batches_and_row_groups(tmp_path: Path) -> None:
    table = pa.table({"number": range(1000), "text": ["x"] * 1000})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=300)
    with open_parquet(open_store(str(tmp_path)), "a.parquet", remedy="copy it") as parquet:
        rows = list(numbered_rows(parquet, ["number"], where="a.parquet", remedy="copy it"))
    assert rows == [(number + 1, {"number": number}) for number in range(1000)]


def test_all_columns_are_read_unless_some_are_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "a.parquet")
    with open_parquet(open_store(str(tmp_path)), "a.parquet", remedy="copy it") as parquet:
        assert list(numbered_rows(parquet, where="a.parquet", remedy="copy it")) == [(1, {"a": 1, "b": "x"})]


def test_a_missing_or_damaged_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 but not really")
    store = open_store(str(tmp_path))
    for name, problem in (("gone.parquet", "is missing"), ("damaged.parquet", "cannot be read as parquet")):
        with pytest.raises(UserError) as caught, open_parquet(store, name, remedy="copy it again"):
            pass
        assert str(caught.value).startswith(f"{store.uri}/{name} {problem}")
        assert str(caught.value).endswith("; copy it again")


def test_damaged_text_is_named_with_its_row(tmp_path: Path) -> None:
    texts = [f"text of row {number:03d}" for number in range(1, 601)]
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": texts}), file, use_dictionary=False, compression="none")
    sound = file.read_bytes()
    file.write_bytes(sound.replace(b"of row 300", b"of row \xff00"))
    seen, message = _read(file)
    assert seen == list(range(1, 300))
    assert message.startswith("bench: row 300 cannot be read ('utf-8' codec can't decode byte 0xff")
    assert message.endswith("; copy it again")


def test_damaged_pages_are_named_with_the_first_row_that_they_cost(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    table = pa.table({"text": [f"text of row {number}" for number in range(600)]})
    pq.write_table(table, file, use_dictionary=False, compression="snappy", row_group_size=300)
    sound = bytearray(file.read_bytes())
    start = pq.read_metadata(file).row_group(1).column(0).data_page_offset
    sound[start : start + 400] = b"\xff" * 400
    file.write_bytes(sound)
    seen, message = _read(file)
    assert seen == list(range(1, len(seen) + 1))
    assert message.startswith(f"bench: row {len(seen) + 1} cannot be read (")


def _read(file: Path) -> tuple[list[int], str]:
    """The numbers of the rows before the damage, and what is said of it."""
    seen: list[int] = []
    parquet_file = open_parquet(open_store(str(file.parent)), file.name, remedy="copy it again")
    with parquet_file as parquet, pytest.raises(UserError) as caught:
        for number, _ in numbered_rows(parquet, where="bench", remedy="copy it again"):
            seen.append(number)
    assert "\n" not in str(caught.value)
    return seen, str(caught.value)


def test_a_table_read_whole_holds_no_damaged_text(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    table = pa.table({"number": [1, 2], "texts": [["sound"], ["sound", "damaged"]]})
    pq.write_table(table, file, use_dictionary=False, compression="none")
    assert read_whole_parquet(file) == table
    file.write_bytes(file.read_bytes().replace(b"damaged", b"dam\xffged"))
    with pytest.raises(UserError, match=r"cannot read .*a.parquet: .*Invalid UTF8 sequence"):
        read_whole_parquet(file)
