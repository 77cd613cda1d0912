"""`results.json` of a published run, computed from its scores to the byte.

Three forms were published. `base` is that of 47 of the 51 runs. `lmunit` also counts the texts that could not be read,
which that model's script scores 0. `r3` records failures by pair and leaves such pairs out of the difference
statistics, though not out of the accuracies (facts/evaluation.md section 3.1).
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from themis_common.errors import UserError
from themis_common.published_runs.scores import ScoreTable
from themis_common.statistics import Breakdown, Tally, breakdown

Variant = Literal["base", "lmunit", "r3"]

_DIGITS = 4


def results_json(scores: ScoreTable, variant: Variant) -> str:
    """The text of the file: indented by 2, no newline at the end.

    Raises:
        UserError: the form `r3` is asked for, but the run did not record what could not be read.
    """
    return json.dumps(_document(scores, variant), indent=2)


def _document(scores: ScoreTable, variant: Variant) -> dict[str, Any]:
    chosen, rejected = scores.chosen, scores.rejected
    if variant == "r3":
        if scores.parse_failed is None:
            raise UserError("the form r3 needs the column parse_failed; take --compat-variant base")
        chosen = np.where(scores.parse_failed, math.nan, chosen)
    result = breakdown(
        chosen=chosen,
        rejected=rejected,
        criteria=scores.aspects,
        languages=scores.languages,
        subsets=scores.subsets,
    )
    document: dict[str, Any] = {
        "overall": _overall(result, scores, variant),
        "by_aspect": _groups(result.by_criterion),
        "by_language": _groups(result.by_language),
        "by_subset": _groups(result.by_subset),
    }
    if variant == "r3":
        document["parse_failures"] = result.overall.unscored
    return document


def _overall(result: Breakdown, scores: ScoreTable, variant: Variant) -> dict[str, Any]:
    counts, margins = result.overall, result.margins
    accuracy = {"accuracy": _rounded(counts.strict)}
    totals = {"total_examples": counts.total, "correct_predictions": counts.correct}
    differences = {
        "mean_score_difference": _rounded(margins.mean),
        "median_score_difference": _rounded(margins.median),
        "std_score_difference": _rounded(margins.std),
    }
    match variant:
        case "base":
            return {**accuracy, **totals, **differences}
        case "lmunit":
            unread = int(np.count_nonzero(scores.chosen == 0) + np.count_nonzero(scores.rejected == 0))
            failures = {
                "parse_failures": unread,
                "parse_failure_rate": _rounded(unread / (2 * counts.total)),
            }
            return {**accuracy, **totals, **failures, **differences}
        case "r3":
            valid = margins.scored
            return {
                **accuracy,
                "accuracy_valid_only": _rounded(counts.correct / valid) if valid else None,
                **totals,
                **differences,
                "valid_pairs": valid,
                "total_parse_failures": counts.unscored,
                "parse_failure_rate": _rounded(counts.unscored / counts.total),
            }


def _groups(groups: Mapping[str, Tally]) -> dict[str, dict[str, Any]]:
    return {
        name: {"accuracy": _rounded(counts.strict), "count": counts.total} for name, counts in groups.items()
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
