"""The two other views of a report: the Markdown table, and the data for machines."""

import dataclasses
import json

from tests.themis_common.report.sample import score
from themis_common.report import headline_metrics, render_markdown, summary
from themis_common.report.model import Leaderboard, LeaderboardRow, Report


def test_the_table_holds_every_cell_once(report: Report) -> None:
    lines = render_markdown(report).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 2 + 4
    assert len({line.count(" | ") for line in table}) == 1
    assert table[0] == "| rank | cell | strict | 95% | FC | ME | RM | RE | SH | ties |"
    assert table[2] == "| 1 | trained | 61.3 | 55.0-67.2 | 67.7 | 54.2 | 62.5 | 55.0 | 65.6 | 0 |"
    assert table[3].startswith("| 2-3 | longer-response | 55.0 |")
    assert table[-1].startswith("|  | skywork-8b | no scores | ")
    assert "FC Functional Correctness, ME Memory Efficiency, RM Readability and Maintainability" in lines[-1]
    assert "> Engine: rules engine (no language model took part)" in lines


def test_pairs_that_are_variants_of_one_problem_are_said_to_be(report: Report) -> None:
    assert report.leaderboard is not None
    board = dataclasses.replace(report.leaderboard, cluster_by="subset", subsets=12)
    told = render_markdown(dataclasses.replace(report, leaderboard=board)).splitlines()[-1]
    assert told.startswith("The 240 pairs are variants of 12 problems, one in each subset, ")
    alone = dataclasses.replace(board, subsets=240)
    for other in (report, dataclasses.replace(report, leaderboard=alone)):
        assert "variants" not in render_markdown(other)


def test_without_cells_the_table_is_the_funnel(report: Report) -> None:
    text = render_markdown(dataclasses.replace(report, leaderboard=None))
    assert "| dataset.deduplicate | 800 | 744 | near duplicate 56 | 744 |" in text.replace("\\", "")


def test_hostile_names_stay_in_their_cell() -> None:
    name = "a | b\n| c | <img src=x> `d` [e](f)"
    board = Leaderboard(
        benchmark="b",
        pairs=4,
        rows=(
            LeaderboardRow(
                cell=name, architecture="x", prompt_mode="", overall=score(3, 4), macro=0.7, half_credit=0.7
            ),
        ),
    )
    text = render_markdown(Report(title="# t", summary="s", leaderboard=board))
    assert len([line for line in text.splitlines() if line.startswith("|")]) == 3
    assert "<img" not in text.replace("\\<", "")
    assert r"a \| b \| c \| \<img src=x\> \`d\` \[e\](f)" in text


def test_the_summary_is_plain_json_with_all_parts(report: Report) -> None:
    content = json.loads(json.dumps(summary(report), allow_nan=False))
    assert content["engine"] == {"name": "rules engine", "is_rules_engine": True}
    assert content["funnel"][0]["dropped"]["merge_commit"] == 210
    assert content["leaderboard"]["rows"][0]["overall"]["pairs"] == 240
    assert content["seconds"]["dataset.deduplicate"] == 6.9
    assert content["reused"] == ["dataset.mine_commits", "dataset.deduplicate"]
    assert content["training"][0]["curves"]["Loss/total"]["last_step"] == 200
    assert set(content["training"][0]["held_out_accuracy"]) >= {"Go", "Memory Efficiency"}
    assert content["datasets"][1]["inputs"] == {"commits": "ab" * 32}


def test_headline_metrics_are_few_and_flat(report: Report) -> None:
    metrics = headline_metrics(report)
    assert metrics["engine"] == "rules engine"
    assert metrics["accuracy/trained"] == 0.6125
    assert metrics["cells_missing"] == 1
    assert report.leaderboard is not None
    many = tuple(dataclasses.replace(report.leaderboard.rows[0], cell=f"c{number}") for number in range(60))
    board = dataclasses.replace(report.leaderboard, rows=many)
    assert len(headline_metrics(dataclasses.replace(report, leaderboard=board))) == 20
