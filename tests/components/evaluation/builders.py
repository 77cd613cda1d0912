"""Small real benchmarks, models and score tables for the tests of the evaluation stages."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from components.evaluation.import_benchmark.stage import STAGE as IMPORT_BENCHMARK
from components.evaluation.import_benchmark.stage import ImportBenchmarkConfig
from themis_common.config import NoConfig
from themis_common.schemas import MODEL_FILES, Schema
from themis_common.stages import Context, Stage, UnitOutput, run_stage
from themis_common.stages.stage import plan_whole
from themis_common.stages.task import RunFolder

Row = dict[str, Any]

ROWS: tuple[Row, ...] = tuple(
    {
        "prompt": f"Write function number {number // 2}.",
        "chosen": f"def f{number}(values):\n    return sorted(values)[:{number}]\n",
        "rejected": f"def f{number}(values):\n    values.sort()\n    return values[:{number}]  # {'slow ' * number}\n",
        "language": language,
        "aspect": aspect,
        "subset": f"SET_{aspect[:2].upper()}",
        "id": f"SET_{number:04d}",
    }
    for number, (language, aspect) in enumerate(
        [
            ("Python", "Functional_Correctness"),
            ("Python", "Runtime_Efficiency"),
            ("Go", "Functional_Correctness"),
            ("Java", "Security_Hardness"),
            ("Cpp", "Memory_Efficiency"),
            ("CSharp", "Readability_Maintainability"),
            ("Go", "Security_Hardness"),
            ("Python", "Functional_Correctness"),
        ]
    )
)


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Rows as a parquet file with the types that pyarrow infers."""
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
    return path


def import_rows(folder: Path, rows: Sequence[Mapping[str, Any]] = ROWS) -> str:
    """The location of an imported benchmark with these rows."""
    folder.mkdir(parents=True, exist_ok=True)
    config = ImportBenchmarkConfig(benchmark=str(write_parquet(folder / "benchmark.parquet", rows)))
    return run_stage(IMPORT_BENCHMARK, config, {}, str(folder / "benchmark")).uri


def write_dataset(folder: Path, schema: Schema, rows: Sequence[Mapping[str, Any]]) -> str:
    """The location of a dataset that holds these rows."""

    def emit(output: UnitOutput) -> None:
        output.read(row["row_key"] for row in rows)
        for row in rows:
            output.emit(row)

    return _run_writer(folder, schema, emit)


def write_run(folder: Path, sections: Mapping[str, Any]) -> str:
    """A run folder with these sections of configuration, by task; its store lies beside it."""
    document = {
        "recipe": "test",
        "store": str(folder.with_name("store")),
        "map_pods": 1,
        "shared": {},
        "tasks": dict(sections),
    }
    RunFolder(str(folder)).store.write_bytes("config.json", json.dumps(document).encode())
    return str(folder)


def publish_folder(model: Path, folder: Path) -> str:
    """The location of a MODEL_FILES dataset of the model in a folder."""
    from themis_common.modeling.model_files import publish_model

    return _run_writer(folder, MODEL_FILES, lambda output: publish_model(model, output))


def _run_writer(folder: Path, schema: Schema, write: Callable[[UnitOutput], None]) -> str:
    def work(context: Context[NoConfig], unit: str, output: UnitOutput) -> None:
        write(output)

    stage = Stage(name="tests.write", version=1, config=NoConfig, output=schema, work=work, plan=plan_whole)
    return run_stage(stage, NoConfig(), {}, str(folder)).uri
