"""CodeRewardBench as published: the real ids where they are at hand, and every way in which a copy can differ."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from components.evaluation.import_benchmark.coderewardbench import (
    Expectation,
    PublishedCheck,
    PublishedDigests,
    subsets,
)
from tests.components.evaluation.builders import ROWS, Row, import_rows
from tests.fixtures.shared import shared
from themis_common.errors import UserError
from themis_common.published_runs.scores import read_score_table


def _row(subset: str, language: str, number: int) -> Row:
    beginning = "COMMIT_PREFS" if subset.startswith("COMMITPREFS_") else subset
    digits = hashlib.sha256(f"{subset} {language} {number}".encode()).hexdigest()
    uuid = f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"
    return {
        "prompt": "p",
        "chosen": "c",
        "rejected": "r",
        "language": language,
        "aspect": subsets()[subset].aspect,
        "subset": subset,
        "id": f"{beginning}_{uuid}",
    }


def _rows() -> list[Row]:
    """As many rows as published, of the published form, with ids of our own."""
    return [
        _row(name, language, number)
        for name, subset in subsets().items()
        for language, pairs in subset.pairs.items()
        for number in range(pairs)
    ]


def _digests(rows: Iterable[Row]) -> PublishedDigests:
    rows = list(rows)
    ids = "\n".join(sorted(row["id"] for row in rows))
    lines = "\n".join("\t".join([row["id"], row["aspect"], row["language"], row["subset"]]) for row in rows)
    return PublishedDigests(*(hashlib.sha256(text.encode()).hexdigest() for text in (ids, lines)))


def _check(
    rows: Iterable[Row], expected: Expectation = "auto", digests: PublishedDigests | None = None
) -> None:
    check = PublishedCheck(expected, digests or _digests(_rows()))
    for number, row in enumerate(rows, start=1):
        check.row(row, f"crb.parquet: row {number}")
    check.end("crb")


def test_the_table_has_the_published_counts() -> None:
    by_aspect = Counter[str]()
    for subset in subsets().values():
        by_aspect[subset.aspect] += sum(subset.pairs.values())
    assert by_aspect == {
        "Functional_Correctness": 4778,
        "Memory_Efficiency": 289,
        "Readability_Maintainability": 1499,
        "Runtime_Efficiency": 1309,
        "Security_Hardness": 991,
    }
    assert len(subsets()) == 19
    assert subsets()["RUNBUGRUN"].pairs["Cpp"] == 501


def test_the_published_rows_pass_and_only_in_their_order_as_the_whole() -> None:
    table = read_score_table(shared("data", "evaluation_runs", "Themis-RM-8B", "scores.parquet"))
    columns = zip(table.ids, table.aspects, table.languages, table.subsets, strict=True)
    rows = [
        {"id": id_, "aspect": aspect, "language": language, "subset": subset}
        for id_, aspect, language, subset in columns
    ]
    for expected in ("auto", "whole"):
        check = PublishedCheck(expected)
        for row in rows:
            check.row(row, "here")
        check.end("here")
    check = PublishedCheck("whole")
    for row in reversed(rows):
        check.row(row, "here")
    with pytest.raises(UserError, match="its rows are in another order"):
        check.end("here")


def test_a_row_that_contradicts_its_id_is_named_even_in_a_part() -> None:
    row = _row("RUNBUGRUN", "Cpp", 3)
    _check([row])
    with pytest.raises(UserError, match=f"row 1: id {row['id']} is not of subset MDEVAL;"):
        _check([{**row, "subset": "MDEVAL"}])
    with pytest.raises(
        UserError, match=f"{row['id']} of subset RUNBUGRUN was published with aspect Functional_"
    ):
        _check([{**row, "aspect": "Security_Hardness"}])
    _check([{**row, "subset": "MDEVAL"}], "none")


def test_a_missing_or_changed_row_is_found() -> None:
    rows = _rows()
    gone = rows.pop(5000)
    pairs = subsets()[gone["subset"]].pairs[gone["language"]]
    message = f"subset {gone['subset']} has {pairs - 1:,} pairs in {gone['language']} instead of {pairs:,}"
    with pytest.raises(UserError, match=message):
        _check(rows)
    _check(rows, "none")
    renamed = _row(gone["subset"], gone["language"], pairs)
    with pytest.raises(UserError, match="an id was changed"):
        _check([*rows, renamed])
    moved = {
        **gone,
        "language": next(name for name in subsets()[gone["subset"]].pairs if name != gone["language"]),
    }
    with pytest.raises(UserError, match="instead of"):
        _check([*rows, moved])


def test_a_row_too_many_is_named() -> None:
    with pytest.raises(UserError, match="id MINE_1 is none of its rows"):
        _check([*_rows(), {**ROWS[0], "id": "MINE_1"}])


def test_smaller_benchmarks_are_as_good() -> None:
    _check(row for row in _rows() if row["aspect"] == "Functional_Correctness")
    _check(ROWS)
    with pytest.raises(UserError, match=r"subset \w+ has 0 pairs"):
        _check(ROWS, "whole")


def test_the_stage_compares(tmp_path: Path) -> None:
    row = {**_row("VUL4J", "Java", 0), "aspect": "Memory_Efficiency"}
    with pytest.raises(UserError, match=r"benchmark\.parquet: row 1: id VUL4J_.* was published with aspect"):
        import_rows(tmp_path, [row])
