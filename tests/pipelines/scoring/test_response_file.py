"""What a file may hold, what is refused in one line, and that nothing of it is lost or changed."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.scoring.response_file import AddedColumn, PromptedRow, read_response_file
from themis_common.errors import UserError

PAIR = {"prompt": "p", "chosen": "c", "rejected": "r"}


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("row", "form", "responses"),
    [
        (PAIR, "pair", ("c", "r")),
        ({"input": "p", "chosen": "c", "rejected": "r"}, "pair", ("c", "r")),
        ({"prompt": "p", "candidates": ["a", "b"]}, "candidates", ("a", "b")),
        ({"prompt": "p", "candidates": []}, "candidates", ()),
        ({"prompt": "p", "response": "a"}, "response", ("a",)),
    ],
)
def test_the_columns_say_what_is_asked(
    row: dict[str, Any], form: str, responses: tuple[str, ...], tmp_path: Path
) -> None:
    lines = read_response_file(write(tmp_path / "a.jsonl", row))
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    if responses:
        assert read_response_file(tmp_path / "a.parquet").rows == lines.rows
    assert (lines.form, lines.rows) == (form, [PromptedRow("p", responses)])


def test_all_rows_come_back_as_they_were_with_the_new_columns(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {**PAIR, "when": "2020-01-01", "tags": ["\u00fc\u2028\ud800", 1]},
        {**PAIR, "id": 1.50},
    ]
    file = read_response_file(write(tmp_path / "a.jsonl", *rows))
    file.write(tmp_path / "b.jsonl", [AddedColumn("margin_all", pa.float64(), [0.5, None])])
    written = [json.loads(line) for line in (tmp_path / "b.jsonl").read_text().split("\n")[:-1]]
    assert written == [{**rows[0], "margin_all": 0.5}, {**rows[1], "margin_all": None}]

    table = pa.table({**{name: [text] for name, text in PAIR.items()}, "n": pa.array([3], pa.int8())})
    pq.write_table(table, tmp_path / "a.parquet")
    parquet = read_response_file(tmp_path / "a.parquet")
    parquet.write(tmp_path / "b.parquet", [AddedColumn("margin_all", pa.float64(), [None])])
    added = pq.read_table(tmp_path / "b.parquet")
    assert added.drop_columns(["margin_all"]).equals(table)
    assert added.schema.field("margin_all").type == pa.float64()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.jsonl",
        "a.parquet",
        "b.jsonl",
        "b.parquet",
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], ["holds no row"]),
        ([{"prompt": "p", "chosen": "c"}], ["columns chosen, prompt", "chosen and rejected; or candidates"]),
        ([{"question": "p", "response": "r"}], ["columns question, response", "prompt; or input"]),
        ([{**PAIR, "response": "r"}], ["pair and of response"]),
        ([PAIR, {"prompt": "p", "chosen": "c"}], ["row 2: rejected must be text, found nothing"]),
        ([{**PAIR, "prompt": 3}], ["row 1: prompt must be text, found int"]),
        ([{**PAIR, "chosen": "\ud800"}], ["row 1: chosen must be text, found half a surrogate pair"]),
        ([{"prompt": "p", "candidates": "a"}], ["row 1: candidates must be a list"]),
        ([{"prompt": "p", "candidates": ["a", None]}], ["row 1: candidate 1 must be text"]),
        ([PAIR, "{\n"], ["line 2 is no JSON"]),
        ([PAIR, "[1]\n"], ["line 2 is no JSON object"]),
        ([{**PAIR, "weight": float("nan")}], ["line 1", "NaN is no finite number"]),
        (['{"prompt": "p", "response": "r", "weight": 1e999}\n'], ["line 1", "1e999 is no finite number"]),
    ],
)
def test_what_cannot_be_scored_is_refused_by_row(
    rows: list[object], words: list[str], tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        read_response_file(write(tmp_path / "a.jsonl", *rows))
    assert [word for word in ("a.jsonl", *words) if word not in str(caught.value)] == []


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    (tmp_path / "a.jsonl").write_bytes(b"\xff\xfe")
    for name in ("a.parquet", "a.jsonl", "b.jsonl", "a.csv"):
        with pytest.raises(UserError, match=name):
            read_response_file(tmp_path / name)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("b.parquet", "end in .jsonl"),
        ("gone/b.jsonl", "gone is no folder"),
        ("a.jsonl", "is in the way"),
        ("c.jsonl", "is in the way"),
        ("b.jsonl", "already has a column 'chosen'"),
    ],
)
def test_an_output_that_could_not_be_written_is_refused_first(
    output: str, words: str, tmp_path: Path
) -> None:
    file = read_response_file(write(tmp_path / "a.jsonl", PAIR))
    (tmp_path / "c.jsonl").mkdir()
    with pytest.raises(UserError, match=words):
        file.check_output(tmp_path / output, ["margin_all", "chosen"])
