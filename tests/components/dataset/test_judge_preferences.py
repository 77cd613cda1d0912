"""Judging: balanced order, votes that add up, named decisions."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from components.dataset.judge_preferences.config import JudgePreferencesConfig
from components.dataset.judge_preferences.stage import STAGE, VOTES, rejection
from components.dataset.judge_preferences.votes import Count, count, read_vote, requests_of, slots
from tests.components.dataset.changes import NEW, OLD, rated
from tests.components.dataset.written import write_dataset
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.errors import UserError
from themis_common.llm.config import EngineConfig
from themis_common.llm.engine import Completion
from themis_common.llm.parser import JudgeReading
from themis_common.schemas import JUDGED_CHANGES, RATED_CHANGES
from themis_common.stages import run_stage

PAIRS = [
    rated("good"),
    rated("swapped", old_contents=NEW, new_contents=OLD),
    rated("equal", old_contents="x = 1\n", new_contents="y = 1\n"),
]


def judge(
    folder: Path, rows: list[dict[str, Any]], config: JudgePreferencesConfig, shards: int = 1
) -> DatasetReader:
    source = write_dataset(folder / f"in{shards}", RATED_CHANGES, rows, shards)
    report = run_stage(STAGE, config, {"rated": source}, str(folder / f"out{shards}"))
    return DatasetReader(report.uri, JUDGED_CHANGES)


@pytest.fixture
def dataset(tmp_path: Path) -> DatasetReader:
    return judge(tmp_path, PAIRS, JudgePreferencesConfig())


def test_only_pairs_that_the_new_version_wins_are_kept(dataset: DatasetReader) -> None:
    [kept] = dataset.rows()
    assert kept["commit"] == "good"
    assert kept["row_key"] == PAIRS[0]["row_key"]
    assert [kept[f"num_{name}"] for name in ("matches", "contradictions", "ties", "errors")] == [8, 0, 0, 0]
    assert dict(dataset.manifest.counts.dropped) == {"contradicted": 1, "undecided": 1}
    assert sorted(row["detail"] for row in dataset.rejected()) == [
        "0 for the new version, 0 for the old, 8 ties, 0 errors",
        "0 for the new version, 8 for the old, 0 ties, 0 errors",
    ]


def test_every_vote_is_on_record_and_half_see_the_new_version_first(dataset: DatasetReader) -> None:
    votes = list(dataset.side_rows("votes", VOTES))
    assert Counter((vote["pair_key"], vote["slot"]) for vote in votes) == {
        (pair["row_key"], slot): 4 for pair in PAIRS for slot in "AB"
    }
    good = [vote for vote in votes if vote["pair_key"] == PAIRS[0]["row_key"]]
    assert all(vote["verdict"] == vote["slot"] and vote["outcome"] == "match" for vote in good)


def test_shards_and_batches_do_not_change_the_result(tmp_path: Path) -> None:
    rows = [rated(f"c{number}") for number in range(10)]
    one = judge(tmp_path, rows, JudgePreferencesConfig(llm=EngineConfig(batch_size=1)))
    three = judge(tmp_path, rows, JudgePreferencesConfig(), shards=3)
    assert one.manifest.rows == 10
    assert one.digest == three.digest


@pytest.mark.parametrize("number", [1, 2, 7, 8])
def test_order_is_balanced_and_drawn_by_row_and_seed(number: int) -> None:
    orders = {key: slots(key, number, seed=7) for key in map(str, range(60))}
    for order in orders.values():
        assert len(order) == number
        assert abs(order.count("A") - order.count("B")) == number % 2
    assert len(set(map(tuple, orders.values()))) > 1
    assert orders == {key: slots(key, number, seed=7) for key in orders}
    assert orders != {key: slots(key, number, seed=8) for key in orders}


def test_requests_show_the_new_version_in_its_slot() -> None:
    first, second = requests_of(PAIRS[0], ["A", "B"], EngineConfig(), seed=7)
    assert (first.variables["completion_a"], first.variables["completion_b"]) == (NEW, OLD)
    assert (second.variables["completion_a"], second.variables["completion_b"]) == (OLD, NEW)
    assert first.variables["prompt"] == PAIRS[0]["instruction"]
    assert first.sampling.seed != second.sampling.seed


ANSWERS = ["[JUDGEMENT]A[/JUDGEMENT]", "[JUDGEMENT]B[/JUDGEMENT]", "[JUDGEMENT]tie[/JUDGEMENT]", "hm"]


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (JudgeReading.TOLERANT, Count(matches=1, contradictions=1, ties=1, errors=1)),
        (JudgeReading.STRICT_UPSTREAM, Count(matches=1, contradictions=1, ties=0, errors=2)),
    ],
)
def test_votes_add_up_to_the_number_of_answers(reading: JudgeReading, expected: Count) -> None:
    completions = [Completion(text=text, finish_reason="stop", engine="test") for text in ANSWERS]
    votes = [read_vote(completion, "A", reading) for completion in completions]
    assert count(votes) == expected
    assert votes[3].failure in {"missing_tag", "bad_value"}


@pytest.mark.parametrize(
    ("votes", "values", "reason"),
    [
        (Count(5, 3, 0, 0), {}, None),
        (Count(4, 3, 1, 0), {}, None),
        (Count(4, 4, 0, 0), {}, "undecided"),
        (Count(3, 1, 4, 0), {}, "undecided"),
        (Count(3, 1, 4, 0), {"min_match_share": 0.25}, None),
        (Count(5, 3, 0, 0), {"min_margin": 3}, "undecided"),
        (Count(3, 5, 0, 0), {}, "contradicted"),
        (Count(0, 0, 0, 8), {}, "unparsable"),
        (Count(0, 0, 1, 7), {}, "undecided"),
    ],
)
def test_acceptance_rule(votes: Count, values: dict[str, Any], reason: str | None) -> None:
    assert rejection(votes, JudgePreferencesConfig(**values)) == reason


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_responses": 0}, "num_responses must be at least 1"),
        ({"min_match_share": 2}, "min_match_share must lie between 0 and 1"),
        ({"min_margin": 9}, "min_margin 9 is more than the 8 votes"),
        ({"reading": "loose"}, "reading"),
    ],
)
def test_bad_options_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_config(JudgePreferencesConfig, values, where="recipe.yaml: judge_preferences")


def test_output_changes_only_with_a_new_version(dataset: DatasetReader) -> None:
    assert (STAGE.version, dataset.digest[:16]) == (1, "5ad7227b5d16beec")
