"""The stage contract: resume, sharding, accounting, faults."""

import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from tests.themis_common.stages.counting import EVEN, NUMBERS, SOURCE, EvenConfig, SourceConfig
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import LINEAGE, Schema
from themis_common.stages import Context, UnitOutput, gather, map_units, plan_units, run_stage


@pytest.fixture
def numbers(tmp_path: Path) -> str:
    return run_stage(SOURCE, SourceConfig(), {}, str(tmp_path / "numbers")).uri


def run_even(numbers: str, output: Path, config: EvenConfig | None = None) -> DatasetReader:
    report = run_stage(EVEN, config or EvenConfig(), {"numbers": numbers}, str(output))
    return DatasetReader(report.uri, NUMBERS)


def test_counts_rows_and_side_tables(numbers: str, tmp_path: Path) -> None:
    even = run_even(numbers, tmp_path / "even", EvenConfig(copies=2))
    counts = even.manifest.counts
    assert (counts.keys_in, counts.emitted, counts.rows_out) == (10, 5, 10)
    assert counts.dropped == {"odd": 5}
    assert sorted(row["number"] for row in even.rows()) == sorted([0, 2, 4, 6, 8] * 2)
    assert {row["detail"] for row in even.rejected()} == {f"{n} is odd" for n in (1, 3, 5, 7, 9)}
    lineage = {row["row_key"]: row["source_key"] for row in even.side_rows("lineage", LINEAGE)}
    assert len(lineage) == 5
    sources = {row["row_key"] for row in DatasetReader(numbers, NUMBERS).rows()}
    assert set(lineage.values()) <= sources


def test_sharding_does_not_change_the_content_digest(tmp_path: Path) -> None:
    digests = set()
    for units in (1, 2, 7):
        source = run_stage(SOURCE, SourceConfig(units=units), {}, str(tmp_path / f"n{units}"))
        digests.add(source.manifest.content_digest)
        digests.add(run_even(source.uri, tmp_path / f"e{units}").digest)
    assert len(digests) == 2


def test_running_again_gives_the_same_bytes(numbers: str, tmp_path: Path) -> None:
    first, second = (run_even(numbers, tmp_path / name) for name in ("one", "two"))
    for name in ("data/00000.parquet", "rejected/00001.parquet", "manifest.json"):
        assert first.store.read_bytes(name) == second.store.read_bytes(name)


def test_a_finished_dataset_is_a_cache_hit(numbers: str, tmp_path: Path) -> None:
    config = EvenConfig(log=str(tmp_path / "log"))
    run_even(numbers, tmp_path / "even", config)
    report = run_stage(EVEN, config, {"numbers": numbers}, str(tmp_path / "even"))
    assert report.cached
    assert len((tmp_path / "log").read_text().splitlines()) == 3


def test_finished_units_are_skipped_after_an_interruption(numbers: str, tmp_path: Path) -> None:
    output = str(tmp_path / "even")
    config = EvenConfig(log=str(tmp_path / "log"))
    inputs = {"numbers": numbers}
    units = plan_units(EVEN, config, inputs, output)
    map_units(EVEN, config, inputs, output, units, [0, 2])
    before = os.stat(tmp_path / "even/data/00000.parquet").st_mtime_ns
    with pytest.raises(UserError, match="is not finished"):
        gather(EVEN, config, inputs, output, units)
    whole = run_stage(EVEN, config, inputs, output)
    assert os.stat(tmp_path / "even/data/00000.parquet").st_mtime_ns == before
    assert (tmp_path / "log").read_text().split() == [units[0], units[2], units[1]]
    assert whole.manifest.content_digest == run_even(numbers, tmp_path / "undisturbed").digest


def test_a_failing_unit_commits_nothing(numbers: str, tmp_path: Path) -> None:
    def fail(context: Context[EvenConfig], unit: str, out: UnitOutput) -> None:
        row = next(context.inputs["numbers"].rows(unit))
        out.read([row["row_key"]])
        out.emit(row)
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        run_stage(replace(EVEN, work=fail), EvenConfig(), {"numbers": numbers}, str(tmp_path / "even"))
    assert not list((tmp_path / "even").rglob("*.parquet"))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("lose", "neither emitted nor dropped"),
        ("both", "both emitted and dropped"),
        ("unread", "never read"),
        ("twice", "was emitted twice"),
        ("reason", "is not declared"),
    ],
)
def test_no_row_is_lost_or_made_up(numbers: str, tmp_path: Path, fault: str, message: str) -> None:
    def work(context: Context[EvenConfig], unit: str, out: UnitOutput) -> None:
        row = next(context.inputs["numbers"].rows(unit))
        if fault != "unread":
            out.read([row["row_key"]])
        if fault != "lose":
            out.emit(row)
        if fault == "twice":
            out.emit(row)
        if fault == "both":
            out.drop(row["row_key"], "odd")
        if fault == "reason":
            out.drop(row["row_key"], "because")

    with pytest.raises(AssertionError, match=message):
        run_stage(replace(EVEN, work=work), EvenConfig(), {"numbers": numbers}, str(tmp_path / "even"))


def test_another_configuration_does_not_overwrite(numbers: str, tmp_path: Path) -> None:
    run_even(numbers, tmp_path / "even")
    with pytest.raises(UserError, match="holds the output of tests.even for another configuration"):
        run_even(numbers, tmp_path / "even", EvenConfig(copies=2))


def test_damage_to_a_shard_is_named(numbers: str, tmp_path: Path) -> None:
    shard = Path(numbers) / "data/00001.parquet"
    content = shard.read_bytes()
    damages = {
        "is missing": None,
        "its manifest says": content[:-9],
        "was changed after it was written": content[:50] + b"\xff" + content[51:],
    }
    for message, damaged in damages.items():
        shard.unlink()
        if damaged is not None:
            shard.write_bytes(damaged)
        with pytest.raises(UserError, match=f"data/00001.parquet.*{message}"):
            run_even(numbers, tmp_path / "even")
        shard.write_bytes(content)
    assert run_even(numbers, tmp_path / "even").manifest.rows == 5


def test_inputs_are_checked_by_name_and_schema(numbers: str, tmp_path: Path) -> None:
    output = str(tmp_path / "even")
    with pytest.raises(UserError, match="needs the input 'numbers'"):
        run_stage(EVEN, EvenConfig(), {}, output)
    with pytest.raises(UserError, match="has no input 'letters'"):
        run_stage(EVEN, EvenConfig(), {"numbers": numbers, "letters": numbers}, output)
    with pytest.raises(UserError, match="is no finished dataset"):
        run_stage(EVEN, EvenConfig(), {"numbers": str(tmp_path / "nowhere")}, output)
    other = Schema("letters", 1, pa.schema([pa.field("row_key", pa.string())]))
    with pytest.raises(UserError, match="the data table is numbers version 1, expected letters version 1"):
        run_stage(replace(EVEN, inputs={"numbers": other}), EvenConfig(), {"numbers": numbers}, output)
