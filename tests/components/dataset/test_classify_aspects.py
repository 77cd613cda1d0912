"""The stage around the term matcher."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from components.dataset.classify_aspects.stage import STAGE, ClassifyAspectsConfig
from tests.components.dataset.mined import change_row
from tests.components.dataset.written import write_dataset
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.schemas import CHANGES, CLASSIFIED_CHANGES
from themis_common.stages import run_stage

SUBJECTS = [
    "Fix memory leak in worker pool",
    "Refactor the cache and fix memory leak",
    "Bump version to 1.2.3",
    "Update resource paths",
]


def classify(folder: Path, rows: Sequence[dict[str, Any]], shards: int = 1, **options: Any) -> DatasetReader:
    folder.mkdir(exist_ok=True)
    source = write_dataset(folder / "in", CHANGES, rows, shards)
    report = run_stage(STAGE, ClassifyAspectsConfig(**options), {"changes": source}, str(folder / "out"))
    return DatasetReader(report.uri, CLASSIFIED_CHANGES)


def rows_of(subjects: Sequence[str]) -> list[dict[str, Any]]:
    return [change_row(subject, subject=subject, message=subject) for subject in subjects]


def test_rows_carry_their_criteria_and_terms_and_others_are_dropped(tmp_path: Path) -> None:
    dataset = classify(tmp_path, rows_of(SUBJECTS))
    assert [(row["subject"], row["criteria"], row["terms"]) for row in dataset.rows()] == [
        (SUBJECTS[0], ["Memory_Efficiency"], ["memory leak"]),
        (SUBJECTS[1], ["Readability_Maintainability", "Memory_Efficiency"], ["memory leak", "refactor"]),
    ]
    assert [(row["reason"], row["detail"]) for row in dataset.rejected()] == [
        ("no_criterion", SUBJECTS[2]),
        ("no_criterion", SUBJECTS[3]),
    ]


def test_the_body_of_the_message_counts_as_the_subject_does(tmp_path: Path) -> None:
    row = change_row("one", subject="Change the parser", message="Change the parser\n\nIt was too slow.")
    (classified,) = classify(tmp_path, [row]).rows()
    assert classified["criteria"] == ["Runtime_Efficiency"]


def test_options_choose_criteria_and_mode(tmp_path: Path) -> None:
    rows = rows_of(SUBJECTS)
    readability = classify(tmp_path / "one", rows, criteria=("R&M",))
    assert [row["criteria"] for row in readability.rows()] == [["Readability_Maintainability"]]
    assert classify(tmp_path / "two", rows, match="substring").manifest.rows == 3


@pytest.mark.parametrize(
    ("criteria", "message"),
    [(["Speed"], "unknown criterion 'Speed'"), (["Helpfulness"], "no terms stand for")],
)
def test_wrong_criteria_are_named(criteria: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config(ClassifyAspectsConfig, {"criteria": criteria}, where="recipe.yaml: classify_aspects")


def test_sharding_changes_nothing_and_output_changes_only_with_a_new_version(tmp_path: Path) -> None:
    digests = {classify(tmp_path / str(shards), rows_of(SUBJECTS), shards).digest[:16] for shards in (1, 3)}
    assert (STAGE.version, digests) == (1, {"7e73205584a833a0"})
