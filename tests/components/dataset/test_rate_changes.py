"""Rating with the rules engine through the real prompts and parser."""

from pathlib import Path
from typing import Any

import pytest

from components.dataset.rate_changes.config import RateChangesConfig
from components.dataset.rate_changes.review import PROBLEM_STYLES, aggregate, unified_diff
from components.dataset.rate_changes.stage import RATINGS, STAGE
from tests.components.dataset.changes import NEW, OLD, classified
from tests.components.dataset.written import write_dataset
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.hashing import row_key
from themis_common.llm.config import EngineConfig
from themis_common.llm.engine import Completion
from themis_common.schemas import CLASSIFIED_CHANGES, RATED_CHANGES
from themis_common.stages import run_stage

CHANGES = [
    classified("good"),
    classified("two", criteria=["Security_Hardness", "Memory_Efficiency"]),
    classified("worse", old_contents=NEW, new_contents=OLD, message="Update", criteria=["Security_Hardness"]),
    classified("none", criteria=[]),
    classified("same", new_contents=OLD),
    classified("long", new_contents="x = 1\n" * 200),
]


def rate(
    folder: Path, rows: list[dict[str, Any]], config: RateChangesConfig, shards: int = 1
) -> DatasetReader:
    source = write_dataset(folder / f"in{shards}", CLASSIFIED_CHANGES, rows, shards)
    report = run_stage(STAGE, config, {"classified": source}, str(folder / f"out{shards}"))
    return DatasetReader(report.uri, RATED_CHANGES)


@pytest.fixture
def dataset(tmp_path: Path) -> DatasetReader:
    return rate(tmp_path, CHANGES, RateChangesConfig(max_chars=1000))


def test_funnel_names_every_drop(dataset: DatasetReader) -> None:
    counts = dataset.manifest.counts
    assert dict(counts.dropped) == {"low_rating": 1, "no_criterion": 1, "too_long": 1, "unchanged": 1}
    assert (counts.keys_in, counts.emitted) == (6, 2)
    details = {row["reason"]: row["detail"] for row in dataset.rejected()}
    assert details["low_rating"] == "Security_Hardness: 2"
    assert details["too_long"] == "1200 characters"


def test_a_row_per_criterion_that_is_rated_high_enough(dataset: DatasetReader) -> None:
    rows = {row["row_key"]: row for row in dataset.rows()}
    good = rows[row_key(CHANGES[0]["row_key"], "Security_Hardness")]
    assert (good["rating"], good["ratings"], good["engine"]) == (5.0, [5, 5, 5], "rules")
    assert good["style"] in PROBLEM_STYLES
    assert "find" in good["instruction"]
    assert "message names the criterion" in good["summary"]
    assert good["new_contents"] == NEW
    assert {row["criterion"] for row in rows.values() if row["commit"] == "two"} == {"Security_Hardness"}


def test_every_review_is_on_record(dataset: DatasetReader) -> None:
    reviews = list(dataset.side_rows("ratings", RATINGS))
    two = {row["criterion"]: row for row in reviews if row["change_key"] == CHANGES[1]["row_key"]}
    assert two["Security_Hardness"]["kept"]
    assert not two["Memory_Efficiency"]["kept"]
    assert two["Memory_Efficiency"]["rating"] < 4
    assert len(reviews) == 4
    assert all(row["failures"] == [] and row["engine"] == "rules" for row in reviews)


def test_lower_bar_keeps_more(tmp_path: Path) -> None:
    low = rate(tmp_path, CHANGES, RateChangesConfig(max_chars=1000, min_rating=2.0))
    assert "low_rating" not in low.manifest.counts.dropped
    assert low.manifest.rows == 4


def test_shards_and_batches_do_not_change_the_result(tmp_path: Path) -> None:
    rows = [classified(f"c{number}") for number in range(12)]
    one = rate(tmp_path, rows, RateChangesConfig(llm=EngineConfig(batch_size=1)))
    three = rate(tmp_path, rows, RateChangesConfig(llm=EngineConfig(batch_size=64)), shards=3)
    assert one.digest == three.digest
    assert one.manifest.config_hash == three.manifest.config_hash


def test_styles_are_drawn_per_row_by_seed(tmp_path: Path) -> None:
    rows = [classified(f"c{number}") for number in range(40)]
    styles = {row["row_key"]: row["style"] for row in rate(tmp_path / "a", rows, RateChangesConfig()).rows()}
    others = {
        row["row_key"]: row["style"] for row in rate(tmp_path / "b", rows, RateChangesConfig(seed=8)).rows()
    }
    assert set(styles.values()) == set(PROBLEM_STYLES)
    assert styles != others


def answer(rating: str, instruction: str = "Write it.") -> Completion:
    text = f"[SUMMARY]s{rating}[/SUMMARY][RATING]{rating}[/RATING][INSTRUCTION]{instruction}[/INSTRUCTION]"
    return Completion(text=text, finish_reason="stop", engine="test")


def test_rating_is_the_median_of_the_answers_that_can_be_read() -> None:
    rated = aggregate([answer("2", "two"), answer("5", "five"), answer("4", "four")])
    assert (rated.rating, rated.summary, rated.instruction) == (4.0, "s4", "four")
    even = aggregate([answer("2"), answer("5"), answer("?"), answer("5", "")])
    assert (even.rating, even.ratings, even.failures) == (3.5, (2, 5), ("bad_value", "bad_value"))


def test_a_review_is_unrated_when_most_answers_cannot_be_read() -> None:
    rated = aggregate([answer("5"), answer("?"), Completion(text="", finish_reason="length", engine="test")])
    assert rated.rating is None
    assert rated.failures == ("bad_value", "truncated")


def test_diff_shows_the_change_without_file_names() -> None:
    assert unified_diff("a\nb\n", "a\nc\n") == "@@ -1,2 +1,2 @@\n a\n-b\n+c"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"min_rating": 6}, "min_rating must lie between 1 and 5"),
        ({"num_samples": 0}, "num_samples must be at least 1"),
        ({"llm": {"engine": "oracle"}}, "unknown engine 'oracle'"),
        ({"max_chars": 0}, "max_chars must be at least 1"),
    ],
)
def test_bad_options_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config(RateChangesConfig, values, where="recipe.yaml: rate_changes")


def test_output_changes_only_with_a_new_version(dataset: DatasetReader) -> None:
    assert (STAGE.version, dataset.digest[:16]) == (1, "d073d6b08a6503ea")
