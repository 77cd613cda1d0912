"""Takes the published scores of a model as a cell, checked row by row against the benchmark of the run."""

import hashlib
from collections.abc import Mapping

import numpy as np

from themis_common.config import config, option
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.published_runs.scores import ScoreTable, read_score_table
from themis_common.schemas import BENCHMARK, SCORES
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole
from themis_common.store import open_store

MISSING = "missing"
"""The failure of a pair that the benchmark has and the published run lacks."""
UNREAD = "parse"
"""The failure of a pair for which the published run has no number that means a score."""


@config
class ImportScoresConfig:
    """One published run. In a pipeline both values come from the cell's row of the plan."""

    cell: str = option(default="published", help="id of the cell; the name of its rows")
    # The digest of the file identifies the scores; where it lies does not matter.
    scores: str = option(help="the published scores.parquet", affects_result=False)


def work(context: Context[ImportScoresConfig], unit: str, output: UnitOutput) -> None:
    """Write one row for each pair of the benchmark, whether the run has it or not."""
    config = context.config
    file = context.scratch / "scores.parquet"
    file.write_bytes(_read(config.scores))
    table = read_score_table(file, name=config.scores)
    rows = {id_: number for number, id_ in enumerate(table.ids)}
    known: set[str] = set()
    for pair in context.inputs["benchmark"].rows(columns=["row_key", "id", "language", "aspect", "subset"]):
        known.add(pair["id"])
        output.read([pair["row_key"]])
        found = rows.get(pair["id"])
        if found is not None:
            _check_same(pair, table, found, config.scores)
        about = {name: pair[name] for name in ("id", "language", "aspect", "subset")}
        row = {"row_key": row_key(config.cell, pair["id"]), "cell": config.cell, **about}
        output.emit({**row, **_scores(table, found)}, sources=[pair["row_key"]])
    for id_ in table.ids:
        if id_ not in known:
            raise UserError(
                f"{config.scores}: pair {id_} is not in the benchmark; evaluate on the benchmark it was scored on"
            )


def _check_same(pair: Mapping[str, str], table: ScoreTable, number: int, where: str) -> None:
    columns = {"language": table.languages, "aspect": table.aspects, "subset": table.subsets}
    for name, column in columns.items():
        if column[number] != pair[name]:
            raise UserError(
                f"{where}: pair {pair['id']} has {name} {column[number]}, in the benchmark {pair[name]}; they are of "
                "different benchmarks"
            )


def _scores(table: ScoreTable, number: int | None) -> dict[str, float | str | None]:
    if number is None:
        return {"chosen_score": None, "rejected_score": None, "failure": MISSING}
    chosen, rejected = (
        None if np.isnan(side[number]) else float(side[number]) for side in (table.chosen, table.rejected)
    )
    unread = table.parse_failed is not None and bool(table.parse_failed[number])
    failed = unread or chosen is None or rejected is None
    return {"chosen_score": chosen, "rejected_score": rejected, "failure": UNREAD if failed else None}


def _read(location: str) -> bytes:
    folder, _, file = location.rpartition("/")
    try:
        return open_store(folder or ".").read_bytes(file)
    except FileNotFoundError as error:
        raise UserError(f"{location}: no such file; name the scores.parquet of a published run") from error


def _fingerprint(config: ImportScoresConfig) -> Mapping[str, str]:
    return {"scores": hashlib.sha256(_read(config.scores)).hexdigest()}


STAGE = Stage(
    name="evaluation.import_scores",
    version=1,
    config=ImportScoresConfig,
    inputs={"benchmark": BENCHMARK},
    output=SCORES,
    work=work,
    plan=plan_whole,
    fingerprint=_fingerprint,
)
