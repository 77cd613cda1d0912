"""Running one stage alone, on datasets or on plain parquet and JSONL files.

Plain files become a dataset below the output first.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.settings import resolve_tasks
from pipelines.tasks import ALL_TASKS, load_stage
from themis_common.config import NoConfig, check_key, fields_of, load_config
from themis_common.datasets.manifest import MANIFEST
from themis_common.datasets.plain_files import plain_files, plain_rows
from themis_common.errors import UserError
from themis_common.hashing import file_digest
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
    files = plain_files(path)
    if not files:
        raise UserError(f"{uri} is neither a dataset nor a parquet or JSONL file; check the path")
    return run_stage(_plain_import(schema, files), NoConfig(), {}, target).uri


def _plain_import(schema: Schema, files: list[Path]) -> Stage[NoConfig]:
    def work(context: Context[NoConfig], unit: str, out: UnitOutput) -> None:
        seen: set[str] = set()
        for file in files:
            for number, row in enumerate(plain_rows(file, schema), start=1):
                if row["row_key"] in seen:
                    raise UserError(f"{file}: row {number} stands twice in the input; remove one")
                seen.add(row["row_key"])
                out.read([row["row_key"]])
                out.emit(row)

    def fingerprint(config: NoConfig) -> Mapping[str, str]:
        return {file.name: file_digest(file) for file in files}

    return Stage(
        name="import.plain_files",
        version=1,
        config=NoConfig,
        output=schema,
        work=work,
        plan=plan_whole,
        fingerprint=fingerprint,
    )
