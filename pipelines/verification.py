"""Whether a model, scored here, gives its published scores: a seeded sample of the benchmark, compared row by row.

Two set-ups that run one model differ by rounding: a few per cent of the spread of its margins (facts/evaluation.md
section 7.1). Another checkpoint, prompt, template or a broken harness differs by more.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.execute import check_writable
from pipelines.run_lock import alone_in
from pipelines.score_files import imported_benchmark
from pipelines.single_evaluation import EvaluationRequest, Show, run_evaluation
from themis_common.errors import UserError
from themis_common.hashing import rng
from themis_common.published_runs.scores import ScoreTable, read_score_table
from themis_common.schemas import BENCHMARK
from themis_common.statistics.accuracy import FloatArray

MIN_CORRELATION = 0.99
MIN_AGREEMENT = 0.95
MAX_MEDIAN_DIFFERENCE = 0.1
"""Of the standard deviation of the published margins; above it a published run was found to be broken."""
MIN_COMPARED = 0.9

_COLUMNS = BENCHMARK.names[1:]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Scores of one sample, ours and the published ones; `None` where nothing could be compared.

    Attributes:
        sampled: pairs drawn.
        compared: pairs of them that have both scores on both sides.
        correlation: Pearson's, over the scores of all their responses.
        median_difference, max_difference: between the two scores of a response.
        spread: sample standard deviation of the published margins.
        agreement: share of pairs on which both prefer the same response, or neither.
    """

    sampled: int
    compared: int
    correlation: float | None = None
    median_difference: float | None = None
    max_difference: float | None = None
    spread: float | None = None
    agreement: float | None = None

    def objections(self) -> list[str]:
        """Why these are not the published scores; empty where they are."""
        few = f"only {self.compared} of {self.sampled} pairs have scores on both sides here and there"
        if self.compared < 2:
            return [few]
        found = [few] if self.compared < MIN_COMPARED * self.sampled else []
        if self.correlation is None or self.correlation < MIN_CORRELATION:
            found.append(f"the correlation is below {MIN_CORRELATION:g}")
        if self.agreement is None or self.agreement < MIN_AGREEMENT:
            found.append(f"fewer than {MIN_AGREEMENT:.0%} of the preferences agree")
        if self.relative_difference is None or self.relative_difference > MAX_MEDIAN_DIFFERENCE:
            found.append(f"half of the scores differ by more than {MAX_MEDIAN_DIFFERENCE:g} of the spread")
        return found

    @property
    def relative_difference(self) -> float | None:
        """The median difference as a share of the spread."""
        if self.median_difference is None or not self.spread:
            return None
        return self.median_difference / self.spread


def verify(
    request: EvaluationRequest, reference: Path, *, rows: int, seed: int, output: Path, show: Show
) -> Comparison:
    """Score `rows` seeded pairs of the request's benchmark with its one model and compare.

    Raises:
        UserError: benchmark, model or reference are unusable, the two files have no pair in common, or another run is
            at work in `output`.
    """
    published = read_score_table(reference)
    sample = output / "sample.parquet"
    check_writable(output)
    with alone_in(output):
        _write_sample(request.benchmark, published, sample, rows=rows, seed=seed)
    evaluated = run_evaluation(replace(request, benchmark=str(sample)), output, show)
    if evaluated.user_errors:
        raise UserError(evaluated.user_errors[0])
    (form,) = evaluated.published.values()
    return compare(read_score_table(form.scores), published)


def compare(ours: ScoreTable, published: ScoreTable) -> Comparison:
    """Compare the pairs of `ours` with those of the same ids in `published`."""
    position = {id_: number for number, id_ in enumerate(published.ids)}
    rows = np.array([position[id_] for id_ in ours.ids])
    here, there = _sides(ours), _sides(published)[:, rows]
    both = np.isfinite(here).all(axis=0) & np.isfinite(there).all(axis=0)
    here, there = here[:, both], there[:, both]
    sampled, compared = len(ours), int(both.sum())
    if compared < 2:
        return Comparison(sampled=sampled, compared=compared)
    differences = np.abs(here - there)
    constant = np.ptp(here) == 0 or np.ptp(there) == 0
    return Comparison(
        sampled=sampled,
        compared=compared,
        correlation=None if constant else float(np.corrcoef(here.ravel(), there.ravel())[0, 1]),
        median_difference=float(np.median(differences)),
        max_difference=float(differences.max()),
        spread=float(np.std(there[0] - there[1], ddof=1)),
        agreement=float(np.mean(np.sign(here[0] - here[1]) == np.sign(there[0] - there[1]))),
    )


def _sides(table: ScoreTable) -> FloatArray:
    """Chosen and rejected scores, (2, pairs), NaN where one could not be read."""
    sides = np.stack([table.chosen, table.rejected])
    return sides if table.parse_failed is None else np.where(table.parse_failed, np.nan, sides)


def _write_sample(benchmark: str, published: ScoreTable, sample: Path, *, rows: int, seed: int) -> None:
    """Write the pairs of the benchmark that the seed draws among those with published scores, in its order."""
    known = set(published.ids)
    with imported_benchmark(benchmark) as reader:
        pairs = [row for row in reader.rows(columns=_COLUMNS) if row["id"] in known]
    if not pairs:
        raise UserError("no pair of the benchmark has a published score; give the benchmark they are of")
    draws = {pair["id"]: rng(seed, pair["id"], "verification sample").random() for pair in pairs}
    drawn = set(sorted(draws, key=draws.__getitem__)[:rows])
    sample.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([pair for pair in pairs if pair["id"] in drawn]), sample)
