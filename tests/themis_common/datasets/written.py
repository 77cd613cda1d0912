"""Datasets with given rows, for tests that read them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from themis_common.config import NoConfig
from themis_common.hashing import row_key
from themis_common.schemas import Schema
from themis_common.stages import Context, Stage, UnitOutput, run_stage

Row = dict[str, Any]


def write_rows(
    folder: Path,
    schema: Schema,
    rows: Sequence[Mapping[str, Any]],
    *,
    shards: int = 1,
    dropped: Mapping[str, str] | None = None,
) -> str:
    """The location of a dataset with these rows, dealt to so many shards; `dropped` are keys with their details."""

    def plan(_: Context[NoConfig]) -> list[str]:
        return [str(index) for index in range(shards)]

    def work(_: Context[NoConfig], unit: str, output: UnitOutput) -> None:
        for row in rows[int(unit) :: shards]:
            output.read([row["row_key"]])
            output.emit(row)
        for key, detail in (dropped or {}).items() if unit == "0" else ():
            output.read([key])
            output.drop(key, "unwanted", detail)

    stage = Stage(
        name="tests.write",
        version=1,
        config=NoConfig,
        output=schema,
        work=work,
        plan=plan,
        reasons=("unwanted",),
    )
    return run_stage(stage, NoConfig(), {}, str(folder)).uri


def pair(number: int, **columns: Any) -> Row:
    """A preference pair, with columns replaced."""
    return {
        "row_key": row_key("pair", number),
        "system": None,
        "input": f"Sort list {number}.",
        "chosen": f"sorted(values_{number})",
        "rejected": f"values_{number}",
        "language": "Cpp",
        "criterion": "Memory_Efficiency",
        "source": "Commit-Preference",
        "split": "train",
        "repo": "owner/project",
        "commit": f"{number:040x}",
        "path": "a.py",
        "license": "mit",
        **columns,
    }
