"""Run folders of a few real tasks over numbers, for tests of what looks at finished runs.

mine_commits writes numbers, filter_commits keeps the even ones (and writes more than one row of each where `copies`
says so), prepare_base_model uses what is left for an output as a whole.
"""

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from tests.themis_common.stages.counting import EVEN, NUMBERS, SOURCE
from themis_common.config import NoConfig
from themis_common.hashing import row_key
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole
from themis_common.stages.task import RunFolder, run_task


def _sum(context: Context[NoConfig], unit: str, output: UnitOutput) -> None:
    total = 0
    for row in context.inputs["numbers"].rows():
        output.read([row["row_key"]])
        output.consume([row["row_key"]])
        total += row["number"]
    output.emit({"row_key": row_key("sum"), "number": total}, sources=())


MINE = dataclasses.replace(SOURCE, name="dataset.mine_commits")
FILTER = dataclasses.replace(EVEN, name="dataset.filter_commits")
SUM = Stage(
    name="training.prepare_base_model",
    version=1,
    config=NoConfig,
    inputs={"numbers": NUMBERS},
    output=NUMBERS,
    work=_sum,
    plan=plan_whole,
)
STAGES: dict[str, Stage[Any]] = {"mine_commits": MINE, "filter_commits": FILTER, "prepare_base_model": SUM}


def small_run(
    folder: Path,
    *,
    store: Path | None = None,
    count: int = 12,
    copies: int = 1,
    finished: int = 3,
    started: float | None = None,
) -> RunFolder:
    """Run the first `finished` of the three tasks in a run folder.

    Args:
        store: where outputs go; by default inside the folder.
        count: how many numbers there are.
        copies: rows of each even number.
        started: time stamp of the run, in seconds.
    """
    run = RunFolder(str(folder))
    config = {
        "recipe": "local",
        "store": str(store or folder / "store"),
        "map_pods": 2,
        "tasks": {
            "mine_commits": {"count": count},
            "filter_commits": {"copies": copies},
            "prepare_base_model": {},
        },
    }
    run.store.write_bytes("config.json", json.dumps(config).encode())
    if started is not None:
        os.utime(folder / "config.json", (started, started))
    run.clear()
    artifact = ""
    for task, stage in list(STAGES.items())[:finished]:
        inputs = {"numbers": artifact} if artifact else {}
        artifact = str(folder / "artifacts" / task)
        run_task(stage, task=task, run=run.uri, inputs=inputs, artifact=artifact)
    return run
