"""Writes rows as a finished dataset, through the stage contract itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from themis_common.config import NoConfig
from themis_common.schemas import Schema
from themis_common.stages import Context, Stage, UnitOutput, run_stage


def write_dataset(folder: Path, schema: Schema, rows: Sequence[Mapping[str, Any]], shards: int = 1) -> str:
    """Deal the rows over `shards` shards of a dataset in `folder`; returns its location."""

    def plan(context: Context[NoConfig]) -> list[str]:
        return [str(unit) for unit in range(shards)]

    def work(context: Context[NoConfig], unit: str, output: UnitOutput) -> None:
        for row in rows[int(unit) :: shards]:
            output.read([row["row_key"]])
            output.emit(row)

    stage = Stage(name="tests.rows", version=1, config=NoConfig, output=schema, work=work, plan=plan)
    return run_stage(stage, NoConfig(), {}, str(folder)).uri
