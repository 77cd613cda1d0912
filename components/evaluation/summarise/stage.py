"""From the scores of all cells to statistics: accuracy under every tie policy, by group, and of cells against cells."""

from collections.abc import Iterator, Mapping
from typing import Literal

from components.evaluation.summarise.cell_statistics import Row, cell_rows
from components.evaluation.summarise.comparisons import comparison_rows, rank_rows
from components.evaluation.summarise.pairs import BenchmarkPairs, CellScores, read_pairs, read_scores
from themis_common.config import config, option
from themis_common.errors import UserError
from themis_common.schemas import BENCHMARK, CELLS, RESULTS, SCORES
from themis_common.stages import Context, Stage, UnitOutput
from themis_common.stages.stage import plan_whole
from themis_common.statistics import tally

SCORES_INPUT = "scores/"


@config
class SummariseConfig:
    """What the cells are compared with."""

    reference: str = option(
        default="", help="cell that all others are compared with; empty: the most accurate one"
    )
    cluster_by: Literal["prompt", "subset"] = option(
        default="prompt",
        help="pairs that are drawn together in the comparison; subset: the pairs of a subset are variants of one "
        "problem, so that accuracies and p-values must not count them one by one either",
    )
    resamples: int = option(default=10_000, help="bootstrap resamples of the comparison")
    seed: int = option(default=7, help="seed of the bootstrap", shared="seed")

    def __post_init__(self) -> None:
        if self.resamples < 100:
            raise ValueError(f"resamples must be at least 100 to give an interval, found {self.resamples}")


def work(context: Context[SummariseConfig], unit: str, output: UnitOutput) -> None:
    """Write the statistics of every cell that left scores; a cell without scores has no rows."""
    cells = [row["cell"] for row in context.inputs["cells"].rows()]
    if context.config.reference and context.config.reference not in cells:
        raise UserError(f"reference: no cell {context.config.reference!r}; the cells are {', '.join(cells)}")
    pairs = read_pairs(context.inputs["benchmark"], context.config.cluster_by)
    scored = {
        cell: read_scores(context.inputs[SCORES_INPUT + cell], pairs, output)
        for cell in cells
        if SCORES_INPUT + cell in context.inputs
    }
    for row in statistics_rows(scored, pairs, context.config):
        output.emit(row, sources=())


def statistics_rows(
    scored: Mapping[str, CellScores], pairs: BenchmarkPairs, config: SummariseConfig
) -> Iterator[Row]:
    """All rows of the RESULTS table: of every cell alone, then of cells compared."""
    for cell, one in scored.items():
        yield from cell_rows(cell, one, pairs)
    # a cell that failed at every pair takes no rank, nor a part in the correction of the others' p-values
    compared = {cell: one for cell, one in scored.items() if one.any_pair}
    yield from rank_rows(compared, pairs)
    reference = config.reference or _best(compared)
    if reference in compared:
        yield from comparison_rows(
            compared, pairs, reference=reference, resamples=config.resamples, seed=config.seed
        )


def _best(scored: Mapping[str, CellScores]) -> str:
    """The most accurate cell, the first of equals; empty where there is none."""
    return max(scored, key=lambda cell: tally(scored[cell].chosen, scored[cell].rejected).strict, default="")


STAGE = Stage(
    name="evaluation.summarise",
    version=4,
    config=SummariseConfig,
    inputs={"cells": CELLS, "benchmark": BENCHMARK, f"{SCORES_INPUT}*": SCORES},
    optional=frozenset({f"{SCORES_INPUT}*"}),
    output=RESULTS,
    work=work,
    plan=plan_whole,
)
