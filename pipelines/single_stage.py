"""Running one stage alone, on datasets or on plain parquet and JSONL files.

Plain files become a dataset under the output's workspace first: columns are checked against the stage's schema, and a
missing `row_key` is made from the row's content.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.settings import resolve_tasks
from pipelines.tasks import ALL_TASKS, load_stage
from themis_common.config import NoConfig, check_key, fields_of, load_config
from themis_common.datasets.manifest import MANIFEST
from themis_common.datasets.shards import check_columns
from themis_common.errors import UserError
from themis_common.hashing import ContentDigest, row_key
from themis_common.schemas import Schema
from themis_common.stages import Context, Stage, StageReport, UnitOutput, run_stage
from themis_common.stages.stage import plan_whole


def run_single_stage(
    name: str, inputs: list[str], output: str, recipe: str, overrides: list[str]
) -> StageReport:
    """Run a stage.

    Args:
        name: `phase.stage`, or the name of a task whose configuration section is meant.
        inputs: `NAME=LOCATION`, or `LOCATION` for a stage with one input.
        output: location of the output dataset.
        recipe: where the stage's options come from.
        overrides: `KEY=VALUE`, the key an option of the stage, `task.option`, or a shared setting.

    Raises:
        UserError: an unknown stage, input or option, or an unusable input.
    """
    check_key(name, [*ALL_TASKS, *ALL_TASKS.values()], where="stage")
    task = next(task for task, stage_name in ALL_TASKS.items() if name in (task, stage_name))
    stage = load_stage(ALL_TASKS[task])
    own = {field.name for field in fields_of(stage.config)}
    qualified = [f"{task}.{text}" if text.partition("=")[0] in own else text for text in overrides]
    section = resolve_tasks({task: ALL_TASKS[task]}, recipe, qualified).tasks[task]
    values = {key: value.value for key, value in section.items()}
    config = load_config(stage.config, values, where=task)
    uris = dict(_named_input(stage, text) for text in inputs)
    datasets = {
        key: _as_dataset(uri, stage.inputs[key], f"{output}/_inputs/{key}") if key in stage.inputs else uri
        for key, uri in uris.items()
    }
    return run_stage(stage, config, datasets, output)


def _named_input(stage: Stage[Any], text: str) -> tuple[str, str]:
    name, equals, location = text.partition("=")
    if equals:
        return name, location
    if len(stage.inputs) != 1:
        raise UserError(
            f"--input {text}: stage {stage.name} has the inputs {', '.join(stage.inputs)}; write NAME={text}"
        )
    return next(iter(stage.inputs)), text


def _as_dataset(uri: str, schema: Schema, target: str) -> str:
    """The location itself when a dataset is there, else of a dataset made from the plain files."""
    path = Path(uri)
    if "://" in uri or (path / MANIFEST).is_file():
        return uri
    files = sorted(path.glob("*")) if path.is_dir() else [path]
    files = [file for file in files if file.suffix in {".parquet", ".jsonl"}]
    if not files or not all(file.is_file() for file in files):
        raise UserError(f"{uri} is neither a dataset nor a parquet or JSONL file; check the path")
    return run_stage(_plain_import(schema, files), NoConfig(), {}, target).uri


def _plain_import(schema: Schema, files: list[Path]) -> Stage[NoConfig]:
    def work(context: Context[NoConfig], unit: str, out: UnitOutput) -> None:
        for file in files:
            for row in _plain_rows(file, schema):
                out.read([row["row_key"]])
                out.emit(row)

    def fingerprint(config: NoConfig) -> Mapping[str, str]:
        digests = {}
        for file in files:
            digest = ContentDigest()
            for row in _plain_rows(file, schema):
                digest.add(row[name] for name in schema.names)
            digests[file.name] = digest.hexdigest()
        return digests

    return Stage(
        name="import.plain_files",
        version=1,
        config=NoConfig,
        output=schema,
        work=work,
        plan=plan_whole,
        fingerprint=fingerprint,
    )


def _plain_rows(file: Path, schema: Schema) -> Iterator[dict[str, Any]]:
    columns = [name for name in schema.names if name != "row_key"]
    for table in _plain_tables(file, schema):
        for row in table.to_pylist():
            key = row.get("row_key") or row_key(json.dumps([row[name] for name in columns], default=str))
            yield {"row_key": key, **{name: row[name] for name in columns}}


def _plain_tables(file: Path, schema: Schema) -> Iterator[pa.Table]:
    """The file as tables with the declared types; a missing `row_key` is allowed."""
    try:
        if file.suffix == ".jsonl":
            import pyarrow.json as pj

            explicit = pj.ParseOptions(explicit_schema=schema.columns, unexpected_field_behavior="ignore")
            tables = [pj.read_json(file, parse_options=explicit)]
        else:
            tables = [pq.read_table(file)]
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"cannot read {file}: {error}") from error
    for table in tables:
        wanted = [
            field for field in schema.columns if field.name != "row_key" or "row_key" in table.schema.names
        ]
        for field in wanted:
            if field.name in table.schema.names:
                column = table.schema.get_field_index(field.name)
                if _same_family(table.schema.field(column).type, field.type):
                    table = table.set_column(column, field, table.column(column).cast(field.type))
        check_columns(table.schema, Schema(schema.name, schema.version, pa.schema(wanted)), where=str(file))
        yield table


def _same_family(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of one type are values of the other: strings of any offset, integers of any width."""
    strings = (pa.types.is_string, pa.types.is_large_string)
    if any(is_kind(wanted) for is_kind in strings):
        return any(is_kind(found) for is_kind in strings)
    return bool(pa.types.is_integer(wanted) and pa.types.is_integer(found))
