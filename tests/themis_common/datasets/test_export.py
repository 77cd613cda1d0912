"""Exports as other software reads them: features, splits, card; and what an export may overwrite."""

import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from components.dataset.import_sources.config import ImportSourcesConfig
from components.dataset.import_sources.stage import STAGE as IMPORT_SOURCES
from components.evaluation.import_benchmark.stage import STAGE as IMPORT_BENCHMARK
from components.evaluation.import_benchmark.stage import ImportBenchmarkConfig
from tests.components.evaluation.builders import import_rows
from tests.themis_common.datasets.written import pair, write_rows
from themis_common.datasets.dataset_card import hub_licences
from themis_common.datasets.export import export_dataset
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.schemas import BENCHMARK, MODEL_FILES, PAIRS, TRAINING_METRICS
from themis_common.stages import run_stage
from themis_common.taxonomy import Criterion, Language

ROWS = [
    *(pair(number) for number in range(5)),
    pair(5, split="held_out", language="CSharp", criterion="Security_Hardness", license="isc, zlib"),
    pair(6, split="held_out", language="NL", criterion="Helpfulness", license=None, system="Be kind."),
]
LANGUAGES = ["JavaScript", "Python", "Ruby", "C++", "C", "Go", "Java", "C#", "NL"]


@pytest.fixture
def pairs(tmp_path: Path) -> str:
    return write_rows(tmp_path / "pairs", PAIRS, ROWS, shards=3)


def features_that_readers_see(schema: pa.Schema) -> dict[str, dict[str, Any]]:
    """What `datasets.Features.from_arrow_schema` makes of a schema (version 4), for values and labels.

    It believes the metadata for a column only where the arrow field of the feature equals the field of the file.
    """
    described = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    seen = {}
    for field in schema:
        feature = described[field.name]
        kind = pa.int64() if feature["_type"] == "ClassLabel" else getattr(pa, feature["dtype"])()
        assert pa.field(field.name, kind) == field, f"{field.name}: the metadata would not be believed"
        seen[field.name] = feature
    return seen


def card(folder: Path) -> dict[str, Any]:
    _, header, _ = (folder / "README.md").read_text().split("---\n", 2)
    document: dict[str, Any] = yaml.safe_load(header)
    return document


def test_pairs_have_the_published_features(pairs: str, tmp_path: Path) -> None:
    export_dataset(pairs, tmp_path / "out")
    features = features_that_readers_see(pq.read_schema(tmp_path / "out/data/train-00000-of-00001.parquet"))
    text = {"dtype": "large_string", "_type": "Value"}
    assert list(features.items()) == [
        ("system", text),
        ("input", text),
        ("chosen", text),
        ("rejected", text),
        ("language", {"names": LANGUAGES, "_type": "ClassLabel"}),
        ("aspect", {"names": [criterion.label for criterion in Criterion], "_type": "ClassLabel"}),
        ("source", {"dtype": "string", "_type": "Value"}),
        ("idx", {"dtype": "string", "_type": "Value"}),
    ]
    table = pq.read_table(tmp_path / "out/data/held_out-00000-of-00001.parquet").to_pylist()
    by_idx = {row["idx"]: row for row in table}
    assert by_idx[row_key("pair", 5)]["language"] == LANGUAGES.index("C#")
    assert by_idx[row_key("pair", 6)] == {
        "system": "Be kind.",
        "input": "Sort list 6.",
        "chosen": "sorted(values_6)",
        "rejected": "values_6",
        "language": Language.NL.id,
        "aspect": Criterion.HELPFULNESS.id,
        "source": "Commit-Preference",
        "idx": row_key("pair", 6),
    }


def test_the_card_tells_configurations_splits_features_and_licences(pairs: str, tmp_path: Path) -> None:
    export_dataset(pairs, tmp_path / "out", rows_per_file=2)
    found = card(tmp_path / "out")
    (config,) = found["configs"]
    assert config["data_files"] == [
        {"split": "train", "path": "data/train-*"},
        {"split": "held_out", "path": "data/held_out-*"},
    ]
    for entry in config["data_files"]:
        assert list((tmp_path / "out").glob(entry["path"]))
    info = found["dataset_info"]
    assert [(split["name"], split["num_examples"]) for split in info["splits"]] == [
        ("train", 5),
        ("held_out", 2),
    ]
    files = list((tmp_path / "out/data").iterdir())
    assert info["download_size"] == sum(file.stat().st_size for file in files)
    language = next(feature for feature in info["features"] if feature["name"] == "language")
    assert language["dtype"] == {
        "class_label": {"names": {str(number): name for number, name in enumerate(LANGUAGES)}}
    }
    assert found["license"] == ["isc", "mit", "other", "unknown"]
    text = (tmp_path / "out/README.md").read_text()
    assert "| C++ | 5 |" in text
    assert "`tests.write` version 1" in text


def test_files_hold_so_many_rows_and_their_names_say_how_many_there_are(pairs: str, tmp_path: Path) -> None:
    export_dataset(pairs, tmp_path / "out", rows_per_file=2)
    rows = {file.name: pq.read_metadata(file).num_rows for file in sorted((tmp_path / "out/data").iterdir())}
    assert rows == {
        "held_out-00000-of-00001.parquet": 2,
        "train-00000-of-00003.parquet": 2,
        "train-00001-of-00003.parquet": 2,
        "train-00002-of-00003.parquet": 1,
    }


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_exported_pairs_can_be_imported_again(pairs: str, tmp_path: Path, form: Any) -> None:
    export_dataset(pairs, tmp_path / "out", form)
    config = ImportSourcesConfig(path=str(tmp_path / "out/data"))
    back = run_stage(IMPORT_SOURCES, config, {}, str(tmp_path / "back")).uri
    compared = ("system", "input", "chosen", "rejected", "language", "criterion", "source")

    def contents(rows: Any) -> set[tuple[Any, ...]]:
        return {tuple(row[name] for name in compared) for row in rows}

    assert contents(DatasetReader(back, PAIRS).rows()) == contents(ROWS)


def test_jsonl_holds_label_names(pairs: str, tmp_path: Path) -> None:
    export_dataset(pairs, tmp_path / "out", "jsonl")
    lines = (tmp_path / "out/data/train-00000-of-00001.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert {(row["language"], row["aspect"]) for row in rows} == {("C++", "Memory Efficiency")}
    assert rows[0]["system"] is None


def test_a_benchmark_has_the_columns_of_code_reward_bench(tmp_path: Path) -> None:
    benchmark = import_rows(tmp_path / "benchmark")
    export_dataset(benchmark, tmp_path / "out")
    file = tmp_path / "out/data/Full-00000-of-00001.parquet"
    schema = pq.read_schema(file)
    assert schema.names == ["prompt", "chosen", "rejected", "language", "aspect", "subset", "id"]
    assert [str(kind) for kind in schema.types] == ["large_string"] * 3 + ["string"] * 4
    assert card(tmp_path / "out")["configs"][0]["config_name"] == "Full"
    again = run_stage(
        IMPORT_BENCHMARK, ImportBenchmarkConfig(benchmark=str(file)), {}, str(tmp_path / "again")
    )
    assert again.manifest.content_digest == DatasetReader(benchmark, BENCHMARK).digest


def test_any_other_table_keeps_its_columns(tmp_path: Path) -> None:
    rows = [{"row_key": "k", "step": 1, "metric": "loss", "slice": "all", "value": 0.5}]
    uri = write_rows(tmp_path / "metrics", TRAINING_METRICS, rows)
    export_dataset(uri, tmp_path / "out")
    assert pq.read_table(tmp_path / "out/data/train-00000-of-00001.parquet").to_pylist() == rows
    kinds = {
        feature["name"]: feature["dtype"] for feature in card(tmp_path / "out")["dataset_info"]["features"]
    }
    assert kinds == {
        "row_key": "string",
        "step": "int64",
        "metric": "string",
        "slice": "string",
        "value": "float64",
    }
    assert "license" not in card(tmp_path / "out")


def test_licences_get_the_names_of_the_hub() -> None:
    assert hub_licences(["MIT", "apache-2.0, mit", "unknown"]) == ["apache-2.0", "mit", "unknown"]
    assert hub_licences(["my own"]) == ["other"]


def test_an_earlier_export_is_replaced_as_a_whole(pairs: str, tmp_path: Path) -> None:
    export_dataset(pairs, tmp_path / "out", rows_per_file=1)
    fewer = write_rows(tmp_path / "fewer", PAIRS, ROWS[:2])
    export_dataset(fewer, tmp_path / "out", "jsonl")
    left = sorted(file.relative_to(tmp_path / "out").as_posix() for file in (tmp_path / "out").rglob("*.*"))
    assert left == ["README.md", "data/train-00000-of-00001.jsonl", "themis_export.json"]
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


def test_equal_datasets_have_equal_exports(pairs: str, tmp_path: Path) -> None:
    export_dataset(pairs, tmp_path / "a")
    export_dataset(pairs, tmp_path / "b")
    for file in sorted((tmp_path / "a").rglob("*.*")):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()


def foreign_file(out: Path) -> None:
    (out / "notes.txt").write_text("mine")


def edited_card(out: Path) -> None:
    (out / "README.md").write_text("mine")


def foreign_record(out: Path) -> None:
    (out / "themis_export.json").write_text("[]")


@pytest.mark.parametrize(
    ("touch", "message"),
    [
        (foreign_file, r"holds notes\.txt, which no export wrote"),
        (edited_card, r"README\.md was edited since the export"),
        (foreign_record, r"themis_export\.json was written by something else"),
    ],
)
def test_what_somebody_added_is_not_overwritten(pairs: str, tmp_path: Path, touch: Any, message: str) -> None:
    out = tmp_path / "out"
    export_dataset(pairs, out)
    touch(out)
    before = {file: file.read_bytes() for file in out.rglob("*.*")}
    with pytest.raises(UserError, match=message):
        export_dataset(pairs, out, "jsonl")
    assert {file: file.read_bytes() for file in out.rglob("*.*")} == before


def test_foreign_folders_and_files_are_refused_and_empty_ones_taken(pairs: str, tmp_path: Path) -> None:
    (tmp_path / "foreign/deep").mkdir(parents=True)
    with pytest.raises(UserError, match="not empty and no earlier export"):
        export_dataset(pairs, tmp_path / "foreign")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        export_dataset(pairs, tmp_path / "file")
    with pytest.raises(UserError, match="cannot write"):
        export_dataset(pairs, tmp_path / "file/below")
    (tmp_path / "empty").mkdir()
    export_dataset(pairs, tmp_path / "empty")
    assert (tmp_path / "empty/README.md").is_file()
    assert os.stat(tmp_path / "empty").st_mode & 0o777 == 0o755


def test_nothing_is_left_where_the_rows_cannot_be_exported(tmp_path: Path) -> None:
    uri = write_rows(tmp_path / "pairs", PAIRS, [*ROWS, pair(9, language="Klingon")])
    with pytest.raises(UserError, match="pairs: unknown language 'Klingon'"):
        export_dataset(uri, tmp_path / "out")
    unsplit = write_rows(tmp_path / "unsplit", PAIRS, [pair(1, split="test")])
    with pytest.raises(UserError, match="has the split 'test', must have train or held_out"):
        export_dataset(unsplit, tmp_path / "out")
    with pytest.raises(UserError, match="has no rows to export"):
        export_dataset(write_rows(tmp_path / "none", PAIRS, []), tmp_path / "out")
    files = [{"row_key": "k", "path": "model.safetensors", "bytes": 1, "sha256": "0"}]
    with pytest.raises(UserError, match="is a model, whose files lie in"):
        export_dataset(write_rows(tmp_path / "model", MODEL_FILES, files), tmp_path / "out")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["model", "none", "pairs", "unsplit"]
