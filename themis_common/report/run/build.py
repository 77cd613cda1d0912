"""The report tree of a run: every part that the run has datasets for, and a headline that says what came out."""

from collections.abc import Sequence

from themis_common.datasets.reader import DatasetReader
from themis_common.report import text
from themis_common.report.model import Fact, FunnelStage, Leaderboard, ManifestLine, Report, StageSeconds
from themis_common.report.run.dataset import emptied_by, engines, examples, funnel
from themis_common.report.run.leaderboard import SCORING, leaderboard
from themis_common.report.run.outputs import TaskOutput, of_stage
from themis_common.report.run.training import training_runs
from themis_common.schemas import CELLS, RESULTS
from themis_common.stages.task import TaskError

RULES_ENGINE = "rules"
_FACT_CELLS = 2


def build_report(outputs: Sequence[TaskOutput], *, title: str, errors: Sequence[TaskError] = ()) -> Report:
    """Build the report of whatever tasks have finished; `errors` are what others met."""
    stages = funnel(outputs)
    shown = examples(outputs)
    board = _board(outputs, errors)
    used = engines(outputs)
    return Report(
        title=title,
        summary=_summary(outputs, board),
        engine=", ".join("rules engine" if name == RULES_ENGINE else name for name in used),
        engine_is_rules=used == (RULES_ENGINE,),
        facts=_facts(outputs, board),
        notices=_notices(stages, board),
        funnel=stages,
        examples=shown,
        training=training_runs(outputs),
        leaderboard=board,
        seconds=tuple(
            StageSeconds(stage=output.label, seconds=output.seconds, reused=output.cached)
            for output in outputs
        ),
        manifests=tuple(_manifest_line(output) for output in outputs),
    )


def _board(outputs: Sequence[TaskOutput], errors: Sequence[TaskError]) -> Leaderboard | None:
    results, cells, benchmarks = (
        of_stage(outputs, f"evaluation.{name}") for name in ("summarise", "plan_cells", "import_benchmark")
    )
    if not (results and cells and benchmarks):
        return None
    return leaderboard(
        DatasetReader(results[0].uri, RESULTS).rows(),
        DatasetReader(cells[0].uri, CELLS).rows(),
        benchmark=_benchmark_name(benchmarks[0]),
        pairs=benchmarks[0].manifest.rows,
        cluster_by=results[0].manifest.config["cluster_by"],
        reasons={error.task.removeprefix(f"{SCORING}."): error.message for error in errors},
    )


def _benchmark_name(output: TaskOutput) -> str:
    """The file or folder the benchmark came from, which its manifest knows by the names of its inputs."""
    names = sorted(output.manifest.inputs)
    return (
        names[0].removesuffix(".parquet")
        if len(names) == 1
        else f"{names[0]} and {len(names) - 1} more files"
    )


def _summary(outputs: Sequence[TaskOutput], board: Leaderboard | None) -> str:
    sentences = []
    mined = sum(output.manifest.counts.keys_in for output in of_stage(outputs, "dataset.mine_commits"))
    assembled = of_stage(outputs, "dataset.assemble_preferences")
    if assembled:
        pairs = sum(output.manifest.rows for output in assembled)
        origin = f"{text.count(mined)} commits and general sources" if mined else "The sources"
        sentences.append(f"{origin} became {text.count(pairs)} preference pairs.")
    best = board.rows[0] if board else None
    if board and best and best.overall:
        scored = len(board.rows) - len(board.missing)
        among = f"Of {text.count(scored)} models and baselines, {best.cell} does best: it"
        sentences.append(
            f"{among if scored > 1 else best.cell} prefers the better code in "
            f"{text.percent(best.overall.accuracy)} of {text.count(board.pairs)} benchmark pairs"
            + (
                f", {text.points(best.versus.estimate)} percentage points against {board.reference}."
                if best.versus
                else "."
            )
        )
    return " ".join(sentences) or f"{text.count(len(outputs))} tasks have finished."


def _facts(outputs: Sequence[TaskOutput], board: Leaderboard | None) -> tuple[Fact, ...]:
    over = " over problems" if board and board.independence else ""
    facts = [
        Fact(
            value=text.percent(row.overall.accuracy),
            label=f"{row.cell}: strict accuracy",
            remark=f"95% interval{over} {text.percent(row.overall.low)} to {text.percent(row.overall.high)}",
        )
        for row in (board.rows[:_FACT_CELLS] if board else ())
        if row.overall
    ]
    assembled = of_stage(outputs, "dataset.assemble_preferences")
    if assembled:
        pairs = sum(output.manifest.rows for output in assembled)
        facts.append(Fact(value=text.count(pairs), label="preference pairs", remark="training and held-out"))
    seconds = sum(output.seconds for output in outputs)
    reused = sum(output.cached for output in outputs)
    facts.append(
        Fact(
            value=text.duration(seconds),
            label=f"of work in {text.count(len(outputs))} tasks",
            remark=f"{text.count(reused)} of them reused from an earlier run" if reused else "",
        )
    )
    return tuple(facts)


def _notices(stages: Sequence[FunnelStage], board: Leaderboard | None) -> tuple[str, ...]:
    notices = []
    empty = emptied_by(stages)
    if empty:
        reasons = sorted(empty.dropped.items(), key=lambda item: (-item[1], item[0]))
        detail = f", most under {text.words(reasons[0][0])!r}" if reasons else ""
        notices.append(
            f"{empty.stage} let no row through: it dropped {text.count(empty.num_dropped)}{detail}."
        )
    for row in board.rows if board else ():
        if row.overall is None:
            notices.append(f"Cell {row.cell} has no scores. {row.failure}")
        elif row.failures:
            failed = text.counts(row.failures)
            notices.append(
                f"Cell {row.cell} could not score every pair, and those pairs count as wrong: {failed}."
            )
    return tuple(notices)


def _manifest_line(output: TaskOutput) -> ManifestLine:
    return ManifestLine(
        stage=output.label,
        version=output.manifest.stage_version,
        config_hash=output.manifest.config_hash,
        content_digest=output.manifest.content_digest,
        rows=output.manifest.rows,
        inputs=dict(output.manifest.inputs),
    )
