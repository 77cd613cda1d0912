"""Generative reward models on a real vLLM: what it is sent it takes, what it answers is read or a typed failure.

The judge is a model that writes `{"score":N} Yes` with a random N (see chain_model.py), so that scores are known, and
that some are out of range.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.generative.serving import SERVED_NAME, served_by_vllm
from components.evaluation.score_benchmark.stage import STAGE
from tests.components.evaluation.builders import ROWS, import_rows, publish_folder
from tests.vllm.chain_model import save_chain_model, score_chain
from themis_common.config import load_config
from themis_common.datasets.reader import DatasetReader
from themis_common.schemas import SCORES
from themis_common.stages import run_stage
from themis_common.stages.run import WORKSPACE

pytestmark = [pytest.mark.slow, pytest.mark.vllm]

WINDOW = 2048
LONG = {**ROWS[0], "id": "LONG", "chosen": "x = 1\n" * WINDOW}
CASES = (*ROWS, LONG)
FIELDS = ("chosen_score", "rejected_score", "failure")
YES, NO = 2.0, 0.5
# R3 draws one at temperature 0.6, the other judges take the likeliest
DIGITS = {**dict.fromkeys("124567", 0.0), "3": 0.5}


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("judge") / "model"
    texts = [row[name] for row in ROWS for name in ("prompt", "chosen", "rejected")]
    save_chain_model(folder, score_chain(DIGITS, yes=YES, no=NO), texts, WINDOW)
    return folder


@pytest.fixture(scope="module")
def endpoint(judge: Path) -> Iterator[str]:
    serving = served_by_vllm(
        judge,
        context_tokens=WINDOW,
        dtype="float32",
        gpus=1,
        replicas=1,
        log=judge.with_name("vllm.log"),
        patience_seconds=500,
        say=print,
    )
    with serving as url:
        yield url


def score(folder: Path, architecture: str, inputs: dict[str, str], **judge: Any) -> dict[str, Any]:
    """Scores and failure by pair; few requests at a time, for seeds and prompts in pieces kill vLLM on the CPU."""
    config = load_config(
        ScoreBenchmarkConfig,
        {
            "architecture": architecture,
            "prompt_mode": "none",
            "dtype": "float32",
            "judge": {"max_tokens": 32, "concurrency": 2, **judge},
        },
        where="here",
    )
    inputs = {"benchmark": import_rows(folder / "imported", CASES), **inputs}
    report = run_stage(STAGE, config, inputs, str(folder / "scores"))
    return {
        row["id"]: tuple(row[field] for field in FIELDS) for row in DatasetReader(report.uri, SCORES).rows()
    }


def test_a_cell_starts_vllm_and_every_pair_gets_scores_or_a_typed_failure(
    judge: Path, tmp_path: Path
) -> None:
    found = score(tmp_path, "lmunit", {"model": publish_folder(judge, tmp_path / "model")})
    assert found.pop("LONG") == (None, 3.0, "too_long")
    assert found == {row["id"]: (3.0, 3.0, None) for row in ROWS}


def test_genrm_gets_log_probabilities_and_its_turn_for_the_principle(endpoint: str, tmp_path: Path) -> None:
    found = score(tmp_path, "nemotron-genrm", {}, endpoint=endpoint, model=SERVED_NAME)
    assert found.pop("LONG")[2] == "too_long"
    assert found.keys() == {row["id"] for row in ROWS}
    for chosen, rejected, failure in found.values():
        assert (chosen, rejected) == pytest.approx((YES - NO, YES - NO), abs=1e-4)
        assert failure is None


def test_cerm_without_its_criteria_is_a_typed_failure(endpoint: str, tmp_path: Path) -> None:
    found = score(tmp_path, "cerm", {}, endpoint=endpoint, model=SERVED_NAME)
    assert found == {row["id"]: (None, None, "no_score") for row in CASES}


def test_sampled_answers_are_kept_so_that_a_second_run_asks_nothing(endpoint: str, tmp_path: Path) -> None:
    first = score(tmp_path, "r3", {}, endpoint=endpoint, model=SERVED_NAME)
    assert first.keys() == {row["id"] for row in CASES}
    failures = {failure for *_, failure in first.values()}
    assert failures == {None, "out_of_range", "too_long"}
    scores = {score for *sides, _ in first.values() for score in sides if score is not None}
    assert len(scores) > 2
    assert scores <= {1.0, 2.0, 3.0, 4.0, 5.0}

    for path in (tmp_path / "scores").iterdir():  # as an attempt leaves it that is killed at the end
        if path.name != WORKSPACE:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    nobody = "http://127.0.0.1:9/v1"
    assert score(tmp_path, "r3", {}, endpoint=nobody, model=SERVED_NAME) == first
