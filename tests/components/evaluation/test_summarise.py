"""Statistics over cells: the hand-checked vector as a dataset, the comparison, and scores that do not fit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from components.evaluation.summarise.stage import STAGE, SummariseConfig
from tests.components.evaluation.builders import ROWS, Row, import_rows, write_dataset
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.schemas import CELLS, RESULTS, SCORES
from themis_common.stages import run_stage
from themis_common.statistics import wilson

Scores = list[tuple[float | None, float | None]]

# Wins, ties and losses over the eight rows of ROWS; None is a typed failure.
MIXED: Scores = [(2, 1), (1, 1), (0.5, 1.5), (3, -1), (None, 1), (2, None), (0, -2.5), (4, 4)]
ALWAYS_RIGHT: Scores = [(1, 0)] * 8


def _cells(folder: Path, *names: str) -> str:
    rows = [
        {
            "row_key": row_key(name),
            "cell": name,
            "architecture": "seqcls",
            "model": "m",
            "prompt_mode": "none",
            "group": "evaluate_1",
            "pods": 1,
            "replicas": 1,
        }
        for name in names
    ]
    return write_dataset(folder, CELLS, rows)


def _scores(folder: Path, cell: str, scores: Scores, benchmark: Sequence[Row]) -> str:
    rows = [
        {
            "row_key": row_key(cell, row["id"]),
            "cell": cell,
            "id": row["id"],
            "chosen_score": None if chosen is None else float(chosen),
            "rejected_score": None if rejected is None else float(rejected),
            "language": row["language"],
            "aspect": row["aspect"],
            "subset": row["subset"],
            "failure": "too_long" if None in (chosen, rejected) else None,
        }
        for row, (chosen, rejected) in zip(benchmark, scores, strict=False)
    ]
    return write_dataset(folder / f"scores-{cell}", SCORES, rows)


def _summarise(
    tmp_path: Path,
    scores: dict[str, Scores],
    config: SummariseConfig | None = None,
    rows: Sequence[Row] = ROWS,
) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    inputs = {
        "cells": _cells(tmp_path / "cells", *scores),
        "benchmark": import_rows(tmp_path / "imported", rows),
        **{f"scores/{cell}": _scores(tmp_path, cell, given, rows) for cell, given in scores.items() if given},
    }
    report = run_stage(STAGE, config or SummariseConfig(), inputs, str(tmp_path / "results"))
    results = DatasetReader(report.uri, RESULTS).rows()
    return {(row["cell"], row["group"], row["slice"], row["metric"]): row for row in results}


def test_numbers_of_one_cell(tmp_path: Path) -> None:
    found = _summarise(tmp_path, {"mixed": MIXED})
    overall = {key[3]: row["value"] for key, row in found.items() if key[1] == "overall"}
    assert overall["strict"] == 3 / 8
    assert overall["half_credit"] == 4 / 8
    assert overall["tie_excluded"] == 3 / 6
    assert overall["ties"] == 2
    assert overall["coverage"] == 6 / 8
    assert overall["margin_median"] == 0.5
    strict = found["mixed", "overall", "all", "strict"]
    assert (round(strict["low"], 4), round(strict["high"], 4), strict["rows"]) == (0.1368, 0.6943, 8)
    assert found["mixed", "failure", "too_long", "pairs"]["value"] == 2
    correctness = found["mixed", "criterion", "Functional_Correctness", "strict"]
    assert (correctness["value"], correctness["rows"]) == (1 / 3, 3)
    assert not [key for key in found if key[1] == "versus"]


def test_cells_are_compared_with_the_reference(tmp_path: Path) -> None:
    found = _summarise(tmp_path, {"mixed": MIXED, "right": ALWAYS_RIGHT})
    assert {key[:3] for key in found if key[1] == "versus"} == {("mixed", "versus", "right")}
    assert found["mixed", "versus", "right", "difference"]["value"] == pytest.approx(-5 / 8)
    # Five pairs that only the reference gets right: 2 / 2^5.
    assert found["mixed", "versus", "right", "p_value"]["value"] == 0.0625

    other = _summarise(
        tmp_path / "other", {"mixed": MIXED, "right": ALWAYS_RIGHT}, SummariseConfig(reference="mixed")
    )
    assert other["right", "versus", "mixed", "difference"]["value"] == pytest.approx(5 / 8)


def test_p_values_are_corrected_for_the_number_of_comparisons(tmp_path: Path) -> None:
    wrong: Scores = [(0, 1)] * 8
    found = _summarise(tmp_path, {"mixed": MIXED, "right": ALWAYS_RIGHT, "wrong": wrong})
    raw = {cell: found[cell, "versus", "right", "p_value"]["value"] for cell in ("mixed", "wrong")}
    adjusted = {cell: found[cell, "versus", "right", "p_adjusted"]["value"] for cell in ("mixed", "wrong")}
    assert raw == {"mixed": 0.0625, "wrong": 2 / 2**8}
    assert adjusted == {"mixed": 0.0625, "wrong": 4 / 2**8}
    ranks = {
        cell: tuple(found[cell, "overall", "all", f"rank_{end}"]["value"] for end in ("best", "worst"))
        for cell in ("mixed", "right", "wrong")
    }
    assert ranks == {"right": (1, 2), "mixed": (1, 3), "wrong": (2, 3)}


def test_every_criterion_in_every_language_has_its_accuracy(tmp_path: Path) -> None:
    found = _summarise(tmp_path, {"mixed": MIXED})
    cell = found["mixed", "criterion_language", "Functional_Correctness/Python", "strict"]
    assert (cell["value"], cell["rows"]) == (0.5, 2)
    counted = [row["rows"] for key, row in found.items() if key[1::2] == ("criterion_language", "strict")]
    assert sum(counted) == len(ROWS)


def test_biases_of_a_scorer_that_counts_characters(tmp_path: Path) -> None:
    by_length: Scores = [(len(row["chosen"]), len(row["rejected"])) for row in ROWS]
    found = _summarise(tmp_path, {"length": by_length})
    assert found["length", "length", "all", "prefers_longer"]["value"] == 1.0
    assert found["length", "length", "chosen_shorter", "strict"]["value"] == 0.0
    # margins of many characters claim certainty, and every pair with a longer rejected side is wrong
    wrong = 1 - found["length", "overall", "all", "strict"]["value"]
    assert found["length", "calibration", "all", "calibration_error"]["value"] == pytest.approx(
        wrong, abs=0.01
    )


def test_subsets_of_near_copies_count_once(tmp_path: Path) -> None:
    # Four subsets of two pairs each; the pairs of a subset agree, as those of one template do.
    copies = tuple({**row, "subset": f"SET_{number // 2}"} for number, row in enumerate(ROWS))
    good: Scores = [(1, 0)] * 6 + [(0, 1)] * 2
    bad: Scores = [(0, 1)] * 6 + [(1, 0)] * 2
    by_pair, by_subset = (
        _summarise(
            tmp_path / cluster_by,
            {"good": good, "bad": bad},
            SummariseConfig(cluster_by=cluster_by, reference="bad"),
            rows=copies,
        )
        for cluster_by in ("prompt", "subset")
    )
    overall = "good", "overall", "all", "strict"
    assert by_pair[overall]["value"] == by_subset[overall]["value"] == 6 / 8
    as_pairs, as_subsets = wilson(6, 8), wilson(3, 4)
    assert (by_pair[overall]["low"], by_pair[overall]["high"]) == (as_pairs.low, as_pairs.high)
    assert (by_subset[overall]["low"], by_subset[overall]["high"]) == (as_subsets.low, as_subsets.high)
    p_value = "good", "versus", "bad", "p_value"
    # Six pairs against two, and three subsets against one, by the binomial distribution.
    assert by_pair[p_value]["value"] == pytest.approx(2 * (1 + 8 + 28) / 2**8)
    assert by_subset[p_value]["value"] == pytest.approx(2 * (1 + 4) / 2**4)
    alone = by_subset["good", "subset", "SET_0", "strict"]
    assert (alone["low"], alone["high"]) == (wilson(1, 1).low, wilson(1, 1).high)


def test_a_cell_without_scores_is_left_out(tmp_path: Path) -> None:
    found = _summarise(tmp_path, {"mixed": MIXED, "killed": []})
    assert {key[0] for key in found} == {"mixed"}
    assert _summarise(tmp_path / "none", {"killed": []}) == {}


def test_a_cell_that_failed_at_every_pair_has_its_failures_and_takes_no_rank(tmp_path: Path) -> None:
    wrong: Scores = [(0, 1)] * 8
    dead: Scores = [(None, 1)] * 8
    alive = {"right": ALWAYS_RIGHT, "wrong": wrong}
    found = _summarise(tmp_path, {**alive, "dead": dead})
    assert {key[1:]: row["value"] for key, row in found.items() if key[0] == "dead"} == {
        ("failure", "too_long", "pairs"): 8.0,
        ("overall", "all", "coverage"): 0.0,
    }
    # ranks and p-values of the others are those that they have without it
    without = _summarise(tmp_path / "without", alive)
    assert {key: row["value"] for key, row in found.items() if key[0] != "dead"} == {
        key: row["value"] for key, row in without.items()
    }
    asked = SummariseConfig(reference="dead")
    compared = _summarise(tmp_path / "asked", {**alive, "dead": dead}, asked)
    assert not [key for key in compared if key[1] == "versus"]


def test_scores_of_another_benchmark_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has 3 of the benchmark's 8 pairs"):
        _summarise(tmp_path, {"mixed": MIXED[:3]})


def test_options_are_checked(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="resamples must be at least 100"):
        load_config(SummariseConfig, {"resamples": 5}, where="here")
    with pytest.raises(UserError, match="reference: no cell 'x'; the cells are mixed"):
        _summarise(tmp_path, {"mixed": MIXED}, SummariseConfig(reference="x"))
