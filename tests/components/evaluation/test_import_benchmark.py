"""Importing a benchmark: what is accepted, and what every kind of damage is answered with."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.evaluation.import_benchmark.stage import STAGE, ImportBenchmarkConfig
from tests.components.dataset.written import write_dataset
from tests.components.evaluation.builders import ROWS, import_rows, write_parquet
from tests.fixtures.hub import COMMIT, serve_hub
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.schemas import BENCHMARK, PAIRS
from themis_common.stages import StageReport, run_stage


def _import(location: Path, output: Path) -> StageReport:
    return run_stage(STAGE, ImportBenchmarkConfig(benchmark=str(location)), {}, str(output))


def test_every_row_arrives_with_its_key(tmp_path: Path) -> None:
    uri = import_rows(tmp_path)
    reader = DatasetReader(uri, BENCHMARK)
    assert list(reader.rows()) == [{"row_key": row_key(row["id"]), **row} for row in ROWS]
    assert reader.manifest.counts.keys_in == reader.manifest.counts.emitted == len(ROWS)


def test_a_folder_and_dictionary_columns_give_the_same_dataset(tmp_path: Path) -> None:
    whole = _import(write_parquet(tmp_path / "whole.parquet", ROWS), tmp_path / "a")
    folder = tmp_path / "split"
    folder.mkdir()
    for name, rows in (("one", ROWS[:3]), ("two", ROWS[3:])):
        table = pa.Table.from_pylist([dict(row) for row in rows])
        encoded = table.set_column(3, "language", table["language"].dictionary_encode())
        pq.write_table(encoded.append_column("extra", pa.array([1] * len(rows))), folder / f"{name}.parquet")
    parts = _import(folder, tmp_path / "b")
    assert parts.manifest.content_digest == whole.manifest.content_digest


def test_published_spellings_become_keys(tmp_path: Path) -> None:
    row = {**ROWS[0], "language": "c++", "aspect": "Memory Efficiency"}
    (found,) = DatasetReader(import_rows(tmp_path, [row]), BENCHMARK).rows()
    assert (found["language"], found["aspect"]) == ("Cpp", "Memory_Efficiency")


def test_a_pinned_benchmark_must_not_change(tmp_path: Path) -> None:
    def imported(rows: list[dict[str, Any]], name: str, digest: str) -> str:
        file = write_parquet(tmp_path / f"{name}.parquet", rows)
        config = ImportBenchmarkConfig(benchmark=str(file), digest=digest)
        return run_stage(STAGE, config, {}, str(tmp_path / name)).manifest.content_digest

    seen = imported([dict(row) for row in ROWS], "first", "")
    assert imported([dict(row) for row in reversed(ROWS)], "again", seen) == seen
    for name, rows in (("text", _changed(3, chosen="def f(): ...")), ("fewer", _changed(3)[1:])):
        with pytest.raises(
            UserError, match=rf"{name}.parquet: content digest \w+, but .*digest is {seen}: rows were"
        ):
            imported(rows, name, seen)
        assert not (tmp_path / name / "manifest.json").exists()


def _changed(position: int, **values: Any) -> list[dict[str, Any]]:
    rows = [dict(row) for row in ROWS]
    rows[position].update(values)
    return rows


def _without(column: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != column} for row in ROWS]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (_without("chosen"), "column 'chosen' is missing; the columns of CodeRewardBench are prompt, "),
        ([{**row, "prompt": 1} for row in ROWS], "column 'prompt' holds int64, must hold text"),
        (_changed(2, rejected=None), "row 3: column 'rejected' is null; fill it in"),
        (_changed(4, id=""), "row 5: column 'id' is empty"),
        (_changed(5, id="SET_0001"), "row 6: id 'SET_0001' was already used in benchmark.parquet row 2"),
        (_changed(1, language="Perl"), "row 2: unknown language 'Perl': use one of JavaScript, "),
        (_changed(1, aspect="Beauty"), "row 2: unknown criterion 'Beauty': use one of "),
    ],
)
def test_damage_is_named_by_file_and_row(tmp_path: Path, rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(UserError) as caught:
        import_rows(tmp_path, rows)
    assert str(caught.value).startswith(f"{tmp_path}/benchmark.parquet: ")
    assert message in str(caught.value)


def test_places_without_a_benchmark_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 but not really")
    no_rows = pq.write_table(pa.Table.from_pylist([dict(ROWS[0])]).slice(1), tmp_path / "none.parquet")
    assert no_rows is None
    for location, message in (
        (Path("missing.parquet"), "no such file"),
        (tmp_path / "empty", "holds no .parquet file"),
        (tmp_path / "broken.parquet", "cannot be read as parquet"),
        (tmp_path / "none.parquet", "has no rows"),
    ):
        with pytest.raises(UserError, match=message):
            _import(location, tmp_path / "out")
    with pytest.raises(UserError, match="benchmark is not set"):
        run_stage(STAGE, ImportBenchmarkConfig(), {}, str(tmp_path / "out"))


def _pairs(folder: Path, splits: list[str]) -> str:
    rows = [
        {
            "row_key": row_key("pair", number),
            "system": None,
            "input": f"Write {number}.",
            "chosen": "good",
            "rejected": "bad",
            "language": "Python",
            "criterion": "Memory_Efficiency",
            "source": "test",
            "split": split,
            "repo": None,
            "commit": None,
            "path": None,
            "license": None,
        }
        for number, split in enumerate(splits)
    ]
    return write_dataset(folder, PAIRS, rows)


def test_held_out_pairs_are_the_benchmark_where_none_is_named(tmp_path: Path) -> None:
    pairs = _pairs(tmp_path / "pairs", ["train", "held_out", "train"])
    report = run_stage(STAGE, ImportBenchmarkConfig(), {"pairs": pairs}, str(tmp_path / "out"))
    (row,) = DatasetReader(report.uri, BENCHMARK).rows()
    assert row == {
        "row_key": row_key("pair", 1),
        "prompt": "Write 1.",
        "chosen": "good",
        "rejected": "bad",
        "language": "Python",
        "aspect": "Memory_Efficiency",
        "subset": "HELD_OUT",
        "id": row_key("pair", 1),
    }
    assert report.manifest.counts.dropped == {"trained_on": 2}


def test_a_named_benchmark_wins_over_held_out_pairs(tmp_path: Path) -> None:
    pairs = _pairs(tmp_path / "pairs", ["held_out"])
    file = write_parquet(tmp_path / "b.parquet", ROWS)
    config = ImportBenchmarkConfig(benchmark=str(file))
    report = run_stage(STAGE, config, {"pairs": pairs}, str(tmp_path / "out"))
    assert report.manifest.rows == len(ROWS)


def test_an_imported_benchmark_can_be_imported_again(tmp_path: Path) -> None:
    pairs = _pairs(tmp_path / "pairs", ["train", "held_out", "train"])
    first = run_stage(STAGE, ImportBenchmarkConfig(), {"pairs": pairs}, str(tmp_path / "out"))
    again = _import(Path(first.uri), tmp_path / "again")
    (row,) = DatasetReader(again.uri, BENCHMARK).rows()
    assert row["id"] == row_key("pair", 1)


def test_nothing_held_out_is_an_error_that_says_what_to_set(tmp_path: Path) -> None:
    pairs = _pairs(tmp_path / "pairs", ["train"])
    with pytest.raises(UserError, match="no held-out pairs to measure on: name a benchmark"):
        run_stage(STAGE, ImportBenchmarkConfig(), {"pairs": pairs}, str(tmp_path / "out"))


def test_a_data_set_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write_parquet(tmp_path / "rows.parquet", ROWS).read_bytes()
    repositories = {"datasets/owner/set": {"Full/a.parquet": file, "Stratified/a.parquet": file}}
    here = import_rows(tmp_path / "here")
    with serve_hub(repositories, monkeypatch, tmp_path / "cache"):
        for number, path in enumerate(["Full", "Full/a.parquet"]):
            config = ImportBenchmarkConfig(benchmark=f"owner/set@{COMMIT}:{path}")
            report = run_stage(STAGE, config, {}, str(tmp_path / f"hub{number}"))
            assert report.manifest.content_digest == DatasetReader(here, BENCHMARK).digest
        whole = ImportBenchmarkConfig(benchmark=f"owner/set@{COMMIT}")
        with pytest.raises(UserError, match="was already used in Full/a.parquet row 1; .*files of one split"):
            run_stage(STAGE, whole, {}, str(tmp_path / "whole"))
