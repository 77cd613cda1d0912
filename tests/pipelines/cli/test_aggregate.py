"""`themis aggregate`: published runs and our own scores, the page, the published form, and files that do not fit."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.components.evaluation.builders import ROWS, write_dataset, write_parquet
from tests.e2e.runs import themis
from tests.fixtures.shared import shared
from themis_common.hashing import row_key
from themis_common.published_runs.scores import ScoreTable, write_score_table
from themis_common.schemas import SCORES

CHOSEN = np.array([2.0, 1.0, 0.5, 3.0, np.nan, 2.0, 0.0, 4.0])


def _run(folder: Path, chosen: np.ndarray = CHOSEN, rows: tuple[dict[str, str], ...] = ROWS) -> Path:
    """A published run of a constant 1 on the rejected side."""
    folder.mkdir()
    columns = {
        name: [row[key] for row in rows]
        for name, key in (
            ("ids", "id"),
            ("aspects", "aspect"),
            ("languages", "language"),
            ("subsets", "subset"),
        )
    }
    table = ScoreTable(**columns, chosen=chosen, rejected=np.ones(len(rows)))
    write_score_table(table, folder / "scores.parquet")
    return folder


def _rows(*arguments: str) -> dict[tuple[str, str, str, str], float]:
    done = themis("aggregate", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    return {(row["cell"], row["group"], row["slice"], row["metric"]): row["value"] for row in rows}


def test_published_runs_are_ranked() -> None:
    runs = shared("data", "evaluation_runs")
    done = themis("aggregate", *(str(run) for run in sorted(runs.iterdir())))
    assert done.returncode == 0, done.stderr
    table = [line for line in done.stdout.splitlines() if line.startswith("|")][2:]
    assert [line.split(" | ")[:3] for line in table[:3]] == [
        ["| 1", "Themis-RM-8B", "89.8"],
        ["| 2-3", "SkyworkV2-Qwen-8B", "80.0"],
        ["| 2-3", "Themis-RM-0.6B", "79.4"],
    ]
    assert len(table) == 12


def test_a_run_without_some_pairs_has_gaps_not_a_smaller_benchmark(tmp_path: Path) -> None:
    whole = _run(tmp_path / "whole")
    partial = _run(tmp_path / "partial", CHOSEN[:6], ROWS[:6])
    found = _rows(str(whole), str(partial))
    assert found["partial", "failure", "missing", "pairs"] == 2
    assert found["partial", "overall", "all", "coverage"] == 5 / 8
    assert found["whole", "overall", "all", "strict"] == 4 / 8


def test_gaps_are_said_beside_the_leaderboard(tmp_path: Path) -> None:
    run = _run(tmp_path / "partial", CHOSEN[:6], ROWS[:6])
    done = themis("aggregate", str(run), str(_run(tmp_path / "whole", np.arange(8.0))))
    assert "> Run partial has no score for some pairs, and those count as wrong: missing 2, parse 1." in (
        done.stdout.splitlines()
    )
    assert "Run whole" not in done.stdout


def test_a_run_without_any_score_is_no_zero(tmp_path: Path) -> None:
    dead = str(_run(tmp_path / "dead", np.full(8, np.nan)))
    alone = themis("aggregate", dead)
    assert alone.returncode == 0, alone.stderr
    assert "No run has a score for any pair." in alone.stdout
    done = themis("aggregate", dead, str(_run(tmp_path / "whole", np.arange(8.0))))
    assert "> Run dead has no scores. Every pair failed: parse 8." in done.stdout.splitlines()
    assert "|  | dead | no scores | " in done.stdout


def test_our_datasets_and_the_benchmark_itself_are_taken(tmp_path: Path) -> None:
    rows = [
        {
            "row_key": row_key(row["id"]),
            "cell": "ours",
            "chosen_score": None if number == 0 else float(len(row["chosen"])),
            "rejected_score": float(len(row["rejected"])),
            "failure": "too_long" if number == 0 else None,
            **{name: row[name] for name in ("id", "language", "aspect", "subset")},
        }
        for number, row in enumerate(ROWS)
    ]
    scores = write_dataset(tmp_path / "scores", SCORES, rows)
    benchmark = write_parquet(tmp_path / "benchmark.parquet", ROWS)
    found = _rows(scores, str(_run(tmp_path / "theirs")), "--benchmark", str(benchmark))
    assert found["ours", "length", "all", "prefers_longer"] == 1.0
    assert found["ours", "failure", "too_long", "pairs"] == 1
    assert ("ours", "versus", "theirs", "p_adjusted") in found


def test_unread_texts_of_lmunit_are_failures_not_scores(tmp_path: Path) -> None:
    run = str(_run(tmp_path / "run"))
    assert _rows(run)["run", "failure", "parse", "pairs"] == 1
    found = _rows(run, "--compat-variant", "lmunit")
    assert found["run", "failure", "parse", "pairs"] == 2  # one null, one zero


def test_a_published_form_is_that_of_its_run_alone(tmp_path: Path) -> None:
    runs = [str(_run(tmp_path / name)) for name in ("LMUnit", "other")]
    found = _rows(*runs, "--compat-variant", "LMUnit=lmunit", "--compat-variant", "other=r3")
    assert found["LMUnit", "failure", "parse", "pairs"] == 2
    assert found["other", "failure", "parse", "pairs"] == 1
    form = tmp_path / "results.json"
    _rows(runs[0], "--compat-variant", "LMUnit=lmunit", "--compat", str(form))
    assert json.loads(form.read_text())["overall"]["parse_failures"] == 1


def test_the_page_and_the_published_form_are_written(tmp_path: Path) -> None:
    run = shared("data", "evaluation_runs") / "Themis-RM-0.6B"
    done = themis(
        *(
            "aggregate",
            str(run),
            "--output",
            str(tmp_path / "out"),
            "--compat",
            str(tmp_path / "results.json"),
        )
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results.json").read_bytes() == (run / "results.json").read_bytes()
    assert "Themis-RM-0.6B" in (tmp_path / "out" / "report" / "index.html").read_text()
    lines = (tmp_path / "out" / "results.jsonl").read_text().splitlines()
    assert json.loads(lines[0])["cell"] == "Themis-RM-0.6B"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere is neither a dataset of scores nor a parquet file"),
        (["a", "a"], "2 runs are called 'a'"),
        (["a", "b", "--compat", "x.json"], "--compat writes the results of one run, found 2"),
        (["a", "--reference", "c"], "--reference: no run is called 'c'; the runs are a"),
        (["a", "b", "--compat-variant", "lmunit"], "say of which of the 2 runs, a=lmunit"),
        (["a", "b", "--compat-variant", "c=r3"], "--compat-variant: no run is called 'c'; the runs are a, b"),
        (["a", "--compat-variant", "a=best"], "'best' is no published form; take one of base, lmunit, r3"),
        (["a", "other"], "other: pair SET_0000 is"),
        (["other", "--benchmark", "benchmark.parquet"], "other: pair ELSE is not in the benchmark"),
        (["a", "--compat", "b"], "b is a folder; name the file to write"),
        (
            ["a", "--output", "benchmark.parquet"],
            "benchmark.parquet/report/index.html: not a directory; choose",
        ),
    ],
)
def test_mistakes_cost_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    _run(tmp_path / "a")
    _run(tmp_path / "b")
    changed = ({**ROWS[0], "language": "Ruby"}, *ROWS[1:-1], {**ROWS[-1], "id": "ELSE"})
    _run(tmp_path / "other", rows=changed)
    write_parquet(tmp_path / "benchmark.parquet", ROWS)
    located = [str(tmp_path / word) if (tmp_path / word).exists() else word for word in arguments]
    done = themis("aggregate", *located)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
