"""CodeRewardBench as published: the list of its rows, and every way in which a copy can differ from it."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from components.evaluation.import_benchmark.coderewardbench import (
    Expectation,
    PublishedCheck,
    published_rows,
)
from tests.components.evaluation.builders import ROWS, Row, import_rows
from tests.fixtures.shared import shared
from themis_common.errors import UserError
from themis_common.published_runs.scores import read_score_table
from themis_common.taxonomy import Language


def _rows() -> list[Row]:
    """The published rows with short texts."""
    return [
        {
            "prompt": "p",
            "chosen": "c",
            "rejected": "r",
            "language": about.language,
            "aspect": about.aspect,
            "subset": about.subset,
            "id": id_,
        }
        for id_, about in published_rows().items()
    ]


def _check(rows: Iterable[Row], expected: Expectation = "auto") -> None:
    check = PublishedCheck(expected)
    for number, row in enumerate(rows, start=1):
        check.row(row, f"crb.parquet: row {number}")
    check.end("crb")


def test_the_list_is_the_published_one() -> None:
    rows = published_rows()
    assert len(rows) == 8866
    ids = hashlib.sha256("\n".join(sorted(rows)).encode()).hexdigest()
    assert ids == "806867b210273273690a64d07cb90dea2aff7e3bc0847f7f011bfc0993e03157"
    assert Counter(about.aspect for about in rows.values()) == {
        "Functional_Correctness": 4778,
        "Memory_Efficiency": 289,
        "Readability_Maintainability": 1499,
        "Runtime_Efficiency": 1309,
        "Security_Hardness": 991,
    }
    assert {about.language for about in rows.values()} <= {language.key for language in Language}
    assert Counter((about.subset, about.language) for about in rows.values())["RUNBUGRUN", "Cpp"] == 501
    # every subset belongs to one criterion
    assert len({(about.subset, about.aspect) for about in rows.values()}) == 19


def test_the_published_order_is_the_whole_benchmark() -> None:
    table = read_score_table(shared("data", "evaluation_runs", "Themis-RM-8B", "scores.parquet"))
    by_id = {row["id"]: row for row in _rows()}
    ordered = [by_id[id_] for id_ in table.ids]
    _check(ordered, "whole")
    ordered[0], ordered[1] = ordered[1], ordered[0]
    _check(ordered)
    with pytest.raises(UserError, match="the rows are not in the published order"):
        _check(ordered, "whole")


def test_a_changed_row_is_named_even_in_a_part() -> None:
    row = next(row for row in _rows() if row["subset"] == "RUNBUGRUN" and row["language"] == "Cpp")
    _check([row])
    changed = {**row, "language": "C"}
    with pytest.raises(UserError, match=f"row 1: id {row['id']} was published with language Cpp, found C;"):
        _check([changed])
    _check([changed], "none")


def test_a_missing_row_is_named() -> None:
    rows = _rows()
    gone = rows.pop(5000)
    with pytest.raises(UserError, match=f"crb: 1 of the 8,866 rows .* missing, the first is {gone['id']};"):
        _check(rows)
    _check(rows, "none")


def test_a_row_too_many_is_named() -> None:
    with pytest.raises(UserError, match="id MINE_1 is no row of CodeRewardBench"):
        _check([*_rows(), {**ROWS[0], "id": "MINE_1"}])


def test_smaller_benchmarks_are_as_good() -> None:
    one_criterion = [row for row in _rows() if row["aspect"] == "Functional_Correctness"]
    _check(one_criterion)
    _check(ROWS)
    with pytest.raises(UserError, match="8,866 of the 8,866 rows of CodeRewardBench are missing"):
        _check(ROWS, "whole")


def test_the_stage_compares(tmp_path: Path) -> None:
    row = {**_rows()[0], "subset": "OTHER"}
    with pytest.raises(UserError, match=f"benchmark.parquet: row 1: id {row['id']} was published with subset"):
        import_rows(tmp_path, [row])
