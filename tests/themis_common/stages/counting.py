"""A small real stage for tests of the contract: keeps even numbers, drops odd ones, squares nothing."""

from pathlib import Path

import pyarrow as pa

from themis_common.config import config, option
from themis_common.hashing import row_key
from themis_common.schemas import Schema
from themis_common.stages import Context, Stage, UnitOutput

NUMBERS = Schema(
    "numbers",
    1,
    pa.schema(
        [pa.field("row_key", pa.string(), nullable=False), pa.field("number", pa.int64(), nullable=False)]
    ),
)


@config
class SourceConfig:
    count: int = option(10, help="how many numbers")
    units: int = option(3, help="units of work", affects_result=False)


def plan_numbers(context: Context[SourceConfig]) -> list[str]:
    return [str(unit) for unit in range(context.config.units)]


def make_numbers(context: Context[SourceConfig], unit: str, out: UnitOutput) -> None:
    for number in range(int(unit), context.config.count, context.config.units):
        key = row_key(number)
        out.read([key])
        out.emit({"row_key": key, "number": number})


SOURCE = Stage(
    name="tests.source",
    version=1,
    config=SourceConfig,
    output=NUMBERS,
    work=make_numbers,
    plan=plan_numbers,
)


@config
class EvenConfig:
    copies: int = option(1, help="rows per even number")
    log: str = option("", help="file that gets a line per unit worked through", affects_result=False)


def keep_even(context: Context[EvenConfig], unit: str, out: UnitOutput) -> None:
    if context.config.log:
        with Path(context.config.log).open("a") as log:
            print(unit, file=log)
    for row in context.inputs["numbers"].rows(unit):
        out.read([row["row_key"]])
        if row["number"] % 2:
            out.drop(row["row_key"], "odd", f"{row['number']} is odd")
            continue
        for copy in range(context.config.copies):
            key = row["row_key"] if copy == 0 else row_key(row["row_key"], copy)
            out.emit({"row_key": key, "number": row["number"]}, sources=[row["row_key"]])


EVEN = Stage(
    name="tests.even",
    version=1,
    config=EvenConfig,
    inputs={"numbers": NUMBERS},
    output=NUMBERS,
    reasons=("odd",),
    work=keep_even,
)
