"""Importing pairs: every spelling of columns and values, every mistake named with its place."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.dataset.import_sources.config import ImportSourcesConfig
from components.dataset.import_sources.stage import STAGE
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import PAIRS
from themis_common.stages import run_stage

PAIR = {"input": "Add two numbers.", "chosen": "a + b", "rejected": "a - b", "criterion": "Helpfulness"}


def write_jsonl(file: Path, *rows: Any) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def write_parquet(file: Path, *rows: dict[str, Any]) -> Path:
    pq.write_table(pa.Table.from_pylist(list(rows)), file)
    return file


def imported(path: Path, **options: Any) -> DatasetReader:
    config = ImportSourcesConfig(path=str(path), **options)
    output = path.parent / f"out-{path.name}-{len(list(path.parent.iterdir()))}"
    return DatasetReader(run_stage(STAGE, config, {}, str(output)).uri, PAIRS)


def test_jsonl_and_parquet_give_the_same_pairs(tmp_path: Path) -> None:
    rows = [PAIR, {**PAIR, "input": "Subtract."}]
    from_json = imported(write_jsonl(tmp_path / "general.jsonl", *rows))
    from_parquet = imported(write_parquet(tmp_path / "general.parquet", *rows))
    assert from_json.digest == from_parquet.digest
    [first, _] = from_json.rows()
    assert first == {
        "row_key": first["row_key"],
        "system": None,
        "input": "Add two numbers.",
        "chosen": "a + b",
        "rejected": "a - b",
        "language": "NL",
        "criterion": "Helpfulness",
        "source": "general",
        "split": "train",
        "repo": None,
        "commit": None,
        "path": None,
        "license": None,
    }


@pytest.mark.parametrize(
    ("given", "criterion", "language"),
    [
        ({"criterion": "R&M", "language": "c-plus-plus"}, "Readability_Maintainability", "Cpp"),
        ({"aspect": 1, "language": 7}, "Runtime_Efficiency", "CSharp"),
        ({"aspect": "Security Hardness", "language": "C#"}, "Security_Hardness", "CSharp"),
        ({"criterion": "FC", "language": None}, "Functional_Correctness", "NL"),
        ({"aspect": "memory efficiency", "language": "js"}, "Memory_Efficiency", "JavaScript"),
    ],
)
def test_spellings(tmp_path: Path, given: dict[str, Any], criterion: str, language: str) -> None:
    row = {"prompt": "Add.", "chosen": "a", "rejected": "b", **given}
    [pair] = imported(write_jsonl(tmp_path / "a.jsonl", row)).rows()
    assert (pair["criterion"], pair["language"]) == (criterion, language)


def test_class_labels_of_the_published_sets_are_read_from_parquet(tmp_path: Path) -> None:
    row = {
        "system": None,
        "input": "q",
        "chosen": "a",
        "rejected": "b",
        "language": 8,
        "aspect": 6,
        "idx": "x1",
    }
    row |= {"source": "Tulu-IF"}
    [pair] = imported(write_parquet(tmp_path / "a.parquet", row)).rows()
    assert (pair["criterion"], pair["language"], pair["source"]) == ("Harmlessness", "NL", "Tulu-IF")


def test_options_stand_in_for_missing_columns(tmp_path: Path) -> None:
    row = {name: value for name, value in PAIR.items() if name != "criterion"}
    [pair] = imported(write_jsonl(tmp_path / "a.jsonl", row), criterion="SH", language="go").rows()
    assert (pair["criterion"], pair["language"]) == ("Security_Hardness", "Go")


def test_system_and_provenance_are_kept(tmp_path: Path) -> None:
    given = {
        "system": "Be brief.",
        "repo": "a/b",
        "commit": "c0",
        "path": "x.py",
        "license": "mit",
        "source": "s",
    }
    [pair] = imported(write_jsonl(tmp_path / "a.jsonl", {**PAIR, **given})).rows()
    assert {name: pair[name] for name in given} == given


def test_drops_are_named(tmp_path: Path) -> None:
    rows = [
        PAIR,
        {**PAIR, "source": "elsewhere"},
        {**PAIR, "rejected": PAIR["chosen"]},
        {**PAIR, "input": "  "},
        {**PAIR, "chosen": None},
        {**PAIR, "criterion": "Harmlessness"},
        {**PAIR, "system": "Be brief."},
    ]
    dataset = imported(write_jsonl(tmp_path / "a.jsonl", *rows))
    counts = dataset.manifest.counts
    assert dict(counts.dropped) == {"chosen_equals_rejected": 1, "duplicate": 1, "empty_text": 2}
    assert (counts.keys_in, counts.rows_out) == (7, 3)
    assert "a.jsonl row 2 repeats a.jsonl row 1" in [row["detail"] for row in dataset.rejected()]


def test_a_folder_is_imported_file_by_file_and_deduplicated_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    write_jsonl(folder / "b.jsonl", PAIR, {**PAIR, "input": "Other."})
    write_jsonl(folder / "a.jsonl", PAIR)
    (folder / "README.md").write_text("not data")
    dataset = imported(folder)
    assert [row["source"] for row in dataset.rows()] == ["a", "b"]
    assert dict(dataset.manifest.counts.dropped) == {"duplicate": 1}
    assert set(dataset.manifest.inputs) == {"a.jsonl", "b.jsonl"}


def test_keys_do_not_depend_on_the_file(tmp_path: Path) -> None:
    here = imported(write_jsonl(tmp_path / "a.jsonl", {**PAIR, "input": "First."}, PAIR))
    there = imported(write_jsonl(tmp_path / "b.jsonl", PAIR))
    assert {row["row_key"] for row in there.rows()} < {row["row_key"] for row in here.rows()}


def test_no_path_imports_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = run_stage(STAGE, ImportSourcesConfig(), {}, str(tmp_path / "out"))
    assert report.manifest.rows == 0
    assert "nothing is imported" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**PAIR, "criterion": "Speed"}, "row 2, column 'criterion': unknown criterion 'Speed': use one of"),
        ({**PAIR, "criterion": None, "aspect": "x"}, "no criterion; add a column 'criterion' or 'aspect'"),
        ({**PAIR, "language": "Cobol"}, "row 2, column 'language': unknown language 'Cobol': use one of"),
        ({**PAIR, "chosen": ["a"]}, "row 2, column 'chosen': holds list, must hold text"),
        ({"input": "q", "chosen": "a"}, "row 2: column 'rejected' is missing; found input, chosen"),
        ({"chosen": "a", "rejected": "b"}, "row 2: column 'input' or 'prompt' is missing"),
        ({"input": "q", "chosen": "a", "rejected": "b"}, "row 2: no criterion"),
        ([1], "row 2 is a JSON list"),
    ],
)
def test_a_wrong_row_is_named_with_file_row_and_column(tmp_path: Path, row: Any, message: str) -> None:
    file = write_jsonl(tmp_path / "a.jsonl", PAIR, row)
    with pytest.raises(UserError) as error:
        imported(file)
    assert str(error.value).startswith(f"{file}: row 2")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_broken_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"input": ')
    with pytest.raises(UserError, match=r"a\.jsonl: row 1 is no JSON"):
        imported(tmp_path / "a.jsonl")
    (tmp_path / "a.parquet").write_text("no parquet")
    with pytest.raises(UserError, match=r"a\.parquet cannot be read as parquet"):
        imported(tmp_path / "a.parquet")


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.jsonl: no such file"):
        imported(tmp_path / "a.jsonl")
    with pytest.raises(UserError, match=r"holds no \.parquet or \.jsonl file"):
        imported(tmp_path / "folder")


@pytest.mark.parametrize("values", [{"criterion": "Speed"}, {"language": "Cobol"}])
def test_bad_options_are_named(values: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="unknown"):
        load_config(ImportSourcesConfig, values, where="recipe.yaml: import_general")


def test_output_changes_only_with_a_new_version(tmp_path: Path) -> None:
    dataset = imported(write_jsonl(tmp_path / "a.jsonl", PAIR))
    assert (STAGE.version, dataset.digest[:16]) == (1, "fc6fe38ed309e217")
