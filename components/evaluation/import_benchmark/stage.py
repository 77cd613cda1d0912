"""Reads a benchmark in the CodeRewardBench columns and checks every row before any model is loaded.

Where no benchmark is named, the held-out pairs of a data set of preference pairs make one.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from components.evaluation.import_benchmark.coderewardbench import Expectation, PublishedCheck
from components.evaluation.import_benchmark.sources import file_digests, locate
from themis_common.config import config, option
from themis_common.datasets.parquet_file import numbered_rows, open_parquet
from themis_common.errors import UserError
from themis_common.hashing import ContentDigest, row_key
from themis_common.schemas import BENCHMARK, PAIRS
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole
from themis_common.store import Store
from themis_common.taxonomy import Criterion, Language

TRAINED_ON = "trained_on"
HELD_OUT_SUBSET = "HELD_OUT"
_COLUMNS = BENCHMARK.names[1:]


@config
class ImportBenchmarkConfig:
    """Where the benchmark is."""

    # The digests of the files identify the input; where they lie does not matter.
    benchmark: str = option(
        "",
        help="a .parquet file or a folder of them with the columns of CodeRewardBench, or OWNER/NAME@COMMIT[:PATH] on "
        "the hub; empty: the held-out pairs",
        affects_result=False,
        shared="benchmark",
    )
    published: Expectation = option(
        default="auto",
        help="compare with the published CodeRewardBench: whole; auto: rows with a published id; none",
    )
    digest: str = option(
        default="",
        help="content digest that the imported benchmark must have, as an earlier import had it (`themis data show`); "
        "empty: any",
    )


def work(context: Context[ImportBenchmarkConfig], unit: str, output: UnitOutput) -> None:
    """Import everything as one unit, because ids must be unique over all files."""
    config = context.config
    if not config.benchmark and "pairs" not in context.inputs:
        raise UserError(
            "benchmark is not set; give a .parquet file or a folder of them (--set benchmark=PATH)"
        )
    digest = ContentDigest()
    for row in _file_rows(context, output) if config.benchmark else _held_out_rows(context, output):
        digest.add(row[name] for name in BENCHMARK.names)
        output.emit(row)
    if config.digest and digest.hexdigest() != config.digest:
        raise UserError(
            f"{config.benchmark or 'the held-out pairs'}: content digest {digest.hexdigest()}, but import_benchmark."
            f"digest is {config.digest}: rows were changed, added or removed since; scores of the two must not be "
            "compared"
        )


def _held_out_rows(context: Context[ImportBenchmarkConfig], output: UnitOutput) -> Iterator[dict[str, str]]:
    rows = 0
    for pair in context.inputs["pairs"].rows():
        key = pair["row_key"]
        output.read([key])
        if pair["split"] != "held_out":
            output.drop(key, TRAINED_ON)
            continue
        rows += 1
        yield {
            "row_key": key,
            "prompt": pair["input"],
            "chosen": pair["chosen"],
            "rejected": pair["rejected"],
            "language": pair["language"],
            "aspect": pair["criterion"],
            "subset": HELD_OUT_SUBSET,
            "id": key,
        }
    if not rows:
        raise UserError(
            "there are no held-out pairs to measure on: name a benchmark (--set benchmark=PATH), mine more "
            "repositories, or raise assemble_code.held_out_share"
        )


def _file_rows(context: Context[ImportBenchmarkConfig], output: UnitOutput) -> Iterator[dict[str, str]]:
    first_seen: dict[str, str] = {}
    store, files = locate(context.config.benchmark)
    published = PublishedCheck(context.config.published)
    for file in files:
        for number, row in _rows(store, file):
            where = f"{store.uri}/{file}: row {number}"
            checked = _checked(row, where)
            identity = checked["id"]
            if identity in first_seen:
                raise UserError(
                    f"{where}: id {identity!r} was already used in {first_seen[identity]}; give each row its own id, "
                    "or point to the files of one split only"
                )
            first_seen[identity] = f"{file} row {number}"
            published.row(checked, where)
            key = row_key(identity)
            output.read([key])
            yield {"row_key": key, **checked}
        context.progress.update(len(first_seen))
    if not first_seen:
        raise UserError(f"{store.uri}: the benchmark has no rows; give a file with at least one pair")
    published.end(store.uri)


def fingerprint(config: ImportBenchmarkConfig) -> Mapping[str, str]:
    """SHA-256 of every file of the benchmark, by its name."""
    return file_digests(config.benchmark) if config.benchmark else {}


def _rows(store: Store, file: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows with their number in the file, counted from 1."""
    where, remedy = f"{store.uri}/{file}", "copy it again"
    with open_parquet(store, file, remedy=remedy) as parquet:
        _check_columns(parquet.schema_arrow, where)
        yield from numbered_rows(parquet, _COLUMNS, where=where, remedy=remedy)


def _check_columns(found: pa.Schema, where: str) -> None:
    for name in _COLUMNS:
        if name not in found.names:
            raise UserError(
                f"{where}: column {name!r} is missing; the columns of CodeRewardBench are {', '.join(_COLUMNS)}"
            )
        kind = found.field(name).type
        text = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (pa.types.is_string(text) or pa.types.is_large_string(text)):
            raise UserError(f"{where}: column {name!r} holds {kind}, must hold text")


def _checked(row: dict[str, Any], where: str) -> dict[str, str]:
    """The row with canonical names of language and criterion."""
    for name in _COLUMNS:
        if row[name] is None:
            raise UserError(f"{where}: column {name!r} is null; fill it in or remove the row")
    if not row["id"]:
        raise UserError(f"{where}: column 'id' is empty; give each row an id")
    try:
        language, criterion = Language.parse(row["language"]), Criterion.parse(row["aspect"])
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    return {**row, "language": language.key, "aspect": criterion.key}


STAGE = Stage(
    name="evaluation.import_benchmark",
    version=1,
    config=ImportBenchmarkConfig,
    inputs={"pairs": PAIRS},
    optional=frozenset({"pairs"}),
    output=BENCHMARK,
    reasons=(TRAINED_ON,),
    work=work,
    plan=plan_whole,
    fingerprint=fingerprint,
)
