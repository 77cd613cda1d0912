"""The dataset part of a report: the funnel, example pairs, and which engine did the language-model work."""

import itertools
from collections.abc import Iterable, Sequence

from themis_common.datasets.reader import DatasetReader
from themis_common.report.model import ExamplePair, FunnelStage
from themis_common.report.run.outputs import TaskOutput, of_stage
from themis_common.report.run.slice_names import CRITERION_NAMES, LANGUAGE_NAMES
from themis_common.schemas import PAIRS, RATED_CHANGES
from themis_common.taxonomy import CODE_CRITERIA, Criterion, Language

# Of the pairs of a criterion the one whose texts come nearest to this many characters is shown: long enough to be
# real code, short enough to be read.
EXAMPLE_CHARS = 1200
# Looked at in each data set: enough to find every criterion, few enough to cost nothing on the published volumes.
EXAMPLE_ROWS = 5000


def funnel(outputs: Sequence[TaskOutput]) -> tuple[FunnelStage, ...]:
    """Row accounting of every stage before scoring that takes rows in."""
    return tuple(
        FunnelStage(
            stage=output.label,
            rows_in=output.manifest.counts.keys_in,
            emitted=output.manifest.counts.emitted,
            dropped=dict(output.manifest.counts.dropped),
            rows_out=output.manifest.counts.rows_out,
            unit=output.manifest.tables["data"].schema.replace("_", " "),
        )
        for output in outputs
        if output.stage.startswith("dataset.") or output.stage == "training.pack_pairs"
    )


def examples(outputs: Sequence[TaskOutput]) -> tuple[ExamplePair, ...]:
    """One pair for each code criterion, from the first EXAMPLE_ROWS of the assembled preference pairs."""
    best: dict[Criterion, tuple[int, str, ExamplePair]] = {}
    for output in of_stage(outputs, "dataset.assemble_preferences"):
        for row in itertools.islice(DatasetReader(output.uri, PAIRS).rows(), EXAMPLE_ROWS):
            criterion = Criterion.parse(row["criterion"])
            if criterion not in CODE_CRITERIA:
                continue
            distance = abs(len(row["chosen"]) + len(row["rejected"]) - EXAMPLE_CHARS)
            if criterion not in best or (distance, row["row_key"]) < best[criterion][:2]:
                best[criterion] = (distance, row["row_key"], _example(row))
    return tuple(best[criterion][2] for criterion in CODE_CRITERIA if criterion in best)


def engines(outputs: Sequence[TaskOutput]) -> tuple[str, ...]:
    """The engines that rated changes, in name order."""
    names: set[str] = set()
    for output in of_stage(outputs, "dataset.rate_changes"):
        names.update(
            row["engine"] for row in DatasetReader(output.uri, RATED_CHANGES).rows(columns=["engine"])
        )
    return tuple(sorted(names))


def emptied_by(stages: Iterable[FunnelStage]) -> FunnelStage | None:
    """The first stage that took rows in and let none out."""
    return next((stage for stage in stages if stage.rows_in and not stage.rows_out), None)


def _example(row: dict[str, str | None]) -> ExamplePair:
    origin = [row["repo"], row["path"], (row["commit"] or "")[:12]]
    return ExamplePair(
        criterion=CRITERION_NAMES[Criterion.parse(row["criterion"] or "").key],
        language=LANGUAGE_NAMES[Language.parse(row["language"] or "").key],
        instruction=row["input"] or "",
        chosen=row["chosen"] or "",
        rejected=row["rejected"] or "",
        origin=", ".join(part for part in origin if part),
    )
