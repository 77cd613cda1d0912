"""Stages in rounds: what is known of the whole input before the rows pass."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.themis_common.stages.counting import NUMBERS, SOURCE, SourceConfig
from themis_common.config import config, option
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.schemas import Schema
from themis_common.stages import Context, Stage, UnitOutput, run_stage
from themis_common.stages.rounds import parts_of
from themis_common.stages.stage import plan_whole
from themis_common.stages.task import RunFolder, gather_task, map_task, plan_task, run_task

SUMS = Schema(
    "sums",
    1,
    pa.schema(
        [pa.field("row_key", pa.string(), nullable=False), pa.field("sum", pa.int64(), nullable=False)]
    ),
)


@config
class AboveConfig:
    times: int = option(1, help="how many times the mean a number must exceed")


def add_up(context: Context[AboveConfig], unit: str, out: UnitOutput) -> None:
    total = sum(row["number"] for row in context.inputs["numbers"].rows(unit))
    out.emit({"row_key": row_key(unit), "sum": total}, sources=())


def add_all_up(context: Context[AboveConfig], unit: str, out: UnitOutput) -> None:
    assert context.inputs.keys() == {"sums"}
    out.emit({"row_key": "all", "sum": sum(row["sum"] for row in context.inputs["sums"].rows())}, sources=())


def keep_above(context: Context[AboveConfig], unit: str, out: UnitOutput) -> None:
    numbers = context.inputs["numbers"]
    (total,) = (row["sum"] for row in context.inputs["total"].rows())
    for row in numbers.rows(unit):
        out.read([row["row_key"]])
        if row["number"] * numbers.manifest.rows > context.config.times * total:
            out.emit(row)
        else:
            out.drop(row["row_key"], "low")


def round_of(name: str, **values: Any) -> Stage[AboveConfig]:
    return Stage(name=f"tests.above.{name}", version=1, config=AboveConfig, output=SUMS, **values)


ABOVE = Stage(
    name="tests.above",
    version=1,
    config=AboveConfig,
    inputs={"numbers": NUMBERS},
    output=NUMBERS,
    reasons=("low",),
    work=keep_above,
    rounds={
        "sums": round_of("sums", inputs={"numbers": NUMBERS}, work=add_up),
        "total": round_of("total", inputs={"sums": SUMS}, work=add_all_up, plan=plan_whole),
    },
)


def numbers(folder: Path, units: int) -> str:
    return run_stage(SOURCE, SourceConfig(count=10, units=units), {}, str(folder)).uri


def above(source: str, output: Path, times: int = 1) -> DatasetReader:
    report = run_stage(ABOVE, AboveConfig(times=times), {"numbers": source}, str(output))
    return DatasetReader(report.uri, NUMBERS)


def test_the_stage_reads_what_its_rounds_wrote(tmp_path: Path) -> None:
    dataset = above(numbers(tmp_path / "in", 3), tmp_path / "out")
    assert sorted(row["number"] for row in dataset.rows()) == [5, 6, 7, 8, 9]
    assert dataset.manifest.inputs.keys() == {"numbers"}
    assert dataset.manifest.counts.keys_in == 10


def test_shards_change_nothing(tmp_path: Path) -> None:
    datasets = [
        above(numbers(tmp_path / f"in{units}", units), tmp_path / f"out{units}") for units in (1, 4, 10)
    ]
    assert len({dataset.digest for dataset in datasets}) == 1


def test_finished_rounds_are_not_worked_through_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = numbers(tmp_path / "in", 3)
    for part in parts_of(ABOVE, {"numbers": source}, str(tmp_path / "out"))[:-1]:
        run_stage(part.stage, AboveConfig(), part.inputs, part.output)
    read: list[str | None] = []
    rows = DatasetReader.rows

    def counted(self: DatasetReader, shard: str | None = None, columns: Any = None) -> Any:
        read.append(shard)
        return rows(self, shard, columns)

    monkeypatch.setattr(DatasetReader, "rows", counted)
    run_stage(ABOVE, AboveConfig(), {"numbers": source}, str(tmp_path / "out"))
    # the three shards once, and the total for each of them
    assert len(read) == 6


def test_rounds_of_another_configuration_are_refused(tmp_path: Path) -> None:
    source = numbers(tmp_path / "in", 1)
    first = parts_of(ABOVE, {"numbers": source}, str(tmp_path / "out"))[0]
    run_stage(first.stage, AboveConfig(times=2), first.inputs, first.output)
    with pytest.raises(
        UserError, match=r"_rounds/sums holds the output of tests.above.sums for another conf"
    ):
        above(source, tmp_path / "out")


def test_the_seconds_are_those_of_all_rounds(tmp_path: Path) -> None:
    source, output = numbers(tmp_path / "in", 1), tmp_path / "out"
    for part in parts_of(ABOVE, {"numbers": source}, str(output))[:-1]:
        run_stage(part.stage, AboveConfig(), part.inputs, part.output)
        facts = Path(part.output, "_run.json")
        facts.write_text(json.dumps({**json.loads(facts.read_text()), "seconds": 100}))
    report = run_stage(ABOVE, AboveConfig(), {"numbers": source}, str(output))
    assert 200 <= report.seconds < 210


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(str(tmp_path / "run"))
    tasks: Mapping[str, Any] = {"source": {"count": 10, "units": 5}, "above": {}}
    document = {"store": str(tmp_path / "run/store"), "map_pods": 2, "tasks": tasks}
    folder.store.write_bytes("config.json", json.dumps(document).encode())
    return folder


def test_a_fan_out_works_through_the_rounds_one_after_the_other(run: RunFolder, tmp_path: Path) -> None:
    source = str(tmp_path / "numbers")
    run_task(SOURCE, task="source", run=run.uri, inputs={}, artifact=source)
    planned = []
    for part in range(3):
        groups = plan_task(ABOVE, task="above", run=run.uri, source=source, part=part)
        planned.append(len(groups))
        for group in reversed(groups):
            map_task(ABOVE, task="above", run=run.uri, source=source, group=group, part=part)
    metadata = gather_task(ABOVE, task="above", run=run.uri, source=source, artifact=str(tmp_path / "above"))
    assert planned == [2, 1, 2]
    assert metadata["digest"] == above(numbers(tmp_path / "in", 1), tmp_path / "out").digest
    assert run.tasks().keys() == {"source", "above"}


def test_a_round_with_a_gap_is_not_built_upon(run: RunFolder, tmp_path: Path) -> None:
    source = str(tmp_path / "numbers")
    run_task(SOURCE, task="source", run=run.uri, inputs={}, artifact=source)
    groups = plan_task(ABOVE, task="above", run=run.uri, source=source)
    map_task(ABOVE, task="above", run=run.uri, source=source, group=groups[0])
    with pytest.raises(UserError, match=r"unit .* of tests.above.sums is not finished"):
        plan_task(ABOVE, task="above", run=run.uri, source=source, part=1)
