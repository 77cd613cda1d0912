"""A cell shared by pods, and in a pod by copies of the model: the same bytes as from one, whoever finishes last."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from components.evaluation.import_benchmark.stage import STAGE as IMPORT_BENCHMARK
from components.evaluation.plan_cells.stage import PlanCellsConfig
from components.evaluation.plan_cells.task import cells_by_group, plan_run
from components.evaluation.score_benchmark.config import ScoreBenchmarkConfig
from components.evaluation.score_benchmark.outcomes import ScoreLog
from components.evaluation.score_benchmark.scalar import parts
from components.evaluation.score_benchmark.scalar.encoding import Encoded
from components.evaluation.score_benchmark.scalar.loading import LoadOptions, load_scalar_model
from components.evaluation.score_benchmark.scalar.parts import PartsToScore
from components.evaluation.score_benchmark.scalar.replicas import run_replicas, share_parts
from components.evaluation.score_benchmark.scalar.scorer import ScalarModel
from components.evaluation.score_benchmark.stage import STAGE
from components.evaluation.score_benchmark.task import score_cell
from components.evaluation.summarise.task import summarise_run
from components.evaluation.write_report.task import report_run
from tests.components.evaluation.builders import ROWS, import_rows, publish_folder, write_parquet, write_run
from tests.fixtures.openai_endpoint import OpenAIEndpoint
from themis_common.architectures import architecture
from themis_common.config import as_values, load_config
from themis_common.errors import UserError
from themis_common.prompts.chat import Conversation
from themis_common.stages import run_stage
from themis_common.stages.shares import OthersUnfinishedError, Share
from themis_common.stages.task import RunFolder, run_task
from themis_common.store import open_store

CONFIG = ScoreBenchmarkConfig(cell="tiny", threads=1, device="cpu", max_tokens=2048, batch_tokens=1)


@pytest.fixture(autouse=True)
def two_batches_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_BATCHES_PER_PART", 2)


@pytest.fixture
def inputs(tmp_path: Path, classifier_dataset: str) -> dict[str, str]:
    return {"benchmark": import_rows(tmp_path / "imported"), "model": classifier_dataset}


def _digest(config: ScoreBenchmarkConfig, inputs: dict[str, str], output: Path) -> str:
    return run_stage(STAGE, config, inputs, str(output)).manifest.content_digest


def _share(config: ScoreBenchmarkConfig, share: str) -> ScoreBenchmarkConfig:
    return dataclasses.replace(config, share=share)


def test_shares_meet_in_the_output_and_the_last_writes_it(
    tmp_path: Path, inputs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = _digest(CONFIG, inputs, tmp_path / "whole")
    scored: list[int] = []
    real = ScalarModel.score
    monkeypatch.setattr(parts, "check_batch_invariance", lambda *_: None)

    def score(self: ScalarModel, batch: Sequence[Encoded]) -> list[float]:
        scored.append(len(batch))
        return real(self, batch)

    monkeypatch.setattr(ScalarModel, "score", score)
    shared = tmp_path / "shared"
    for share in ("2/3", "0/3"):
        with pytest.raises(OthersUnfinishedError, match="parts of the work belong to other shares"):
            _digest(_share(CONFIG, share), inputs, shared)
        assert not (shared / "manifest.json").exists()
    assert _digest(_share(CONFIG, "1/3"), inputs, shared) == whole
    assert sum(scored) == 2 * len(ROWS)
    # a pod that is started again finds everything done
    assert _digest(_share(CONFIG, "0/3"), inputs, shared) == whole
    assert sum(scored) == 2 * len(ROWS)


def test_a_share_that_died_is_scored_by_its_next_attempt_alone(
    tmp_path: Path, inputs: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    with pytest.raises(OthersUnfinishedError):
        _digest(_share(CONFIG, "0/2"), inputs, shared)
    real = ScalarModel.score

    def die(self: ScalarModel, batch: Sequence[Encoded]) -> list[float]:
        raise KeyboardInterrupt

    monkeypatch.setattr(ScalarModel, "score", die)
    with pytest.raises(KeyboardInterrupt):
        _digest(_share(CONFIG, "1/2"), inputs, shared)
    # nothing is left for the first share, which therefore needs no weights
    with pytest.raises(OthersUnfinishedError):
        _digest(_share(CONFIG, "0/2"), inputs, shared)
    monkeypatch.setattr(ScalarModel, "score", real)
    assert _digest(_share(CONFIG, "1/2"), inputs, shared) == _digest(CONFIG, inputs, tmp_path / "whole")


@pytest.mark.slow
def test_copies_of_a_model_score_side_by_side(tmp_path: Path, inputs: dict[str, str]) -> None:
    copies = dataclasses.replace(CONFIG, replicas=2)
    assert _digest(copies, inputs, tmp_path / "two") == _digest(CONFIG, inputs, tmp_path / "one")


@pytest.mark.slow
def test_what_keeps_a_copy_from_scoring_is_one_line(
    tmp_path: Path, inputs: dict[str, str], classifier_folder: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in classifier_folder.iterdir():
        (broken / file.name).write_bytes(file.read_bytes())
    weights = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(weights.replace(b"model.norm.weight", b"model.norm.height"))
    model = publish_folder(broken, tmp_path / "published")
    with pytest.raises(UserError, match="tensor model.norm.weight is missing") as caught:
        _digest(dataclasses.replace(CONFIG, replicas=2), {**inputs, "model": model}, tmp_path / "scores")
    assert "\n" not in str(caught.value)


def _counting_up(folder: Path, workspace: Path, numbers: int) -> PartsToScore:
    """A part for each of so many conversations, which the model in `folder` is to score."""
    model = load_scalar_model(folder, architecture("seqcls"), LoadOptions())
    encoded = {
        str(number): model.encoder.encode(Conversation(None, "count", f"{number}" * 50))
        for number in range(numbers)
    }
    return PartsToScore(
        folder=folder,
        architecture="seqcls",
        options=LoadOptions(),
        threads=1,
        where="here",
        workspace=open_store(str(workspace)).uri,
        log="log",
        parts={number: [[str(number)]] for number in range(numbers)},
        encoded=encoded,
        probes=[],
    )


@pytest.mark.slow
def test_a_copy_that_cannot_score_ends_the_others(tmp_path: Path, classifier_folder: Path) -> None:
    work = _counting_up(classifier_folder, tmp_path / "workspace", 3000)
    nowhere = dataclasses.replace(work, folder=tmp_path / "nowhere", parts={})
    with pytest.raises(UserError, match="nowhere is no folder with a model"):
        run_replicas([nowhere, work], on_wait=lambda: None)
    log = ScoreLog(open_store(work.workspace), work.log)
    assert len(log.finished()) < len(work.parts)


class _Sent(dict[str, Encoded]):
    """Conversations that count how often they are sent to another process."""

    times = 0

    def __reduce__(self) -> tuple[type, tuple[dict[str, Encoded]]]:
        self.times += 1
        return dict, (dict(self),)


@pytest.mark.slow
def test_each_copy_is_sent_its_own_part_alone(tmp_path: Path, classifier_folder: Path) -> None:
    work = _counting_up(classifier_folder, tmp_path / "workspace", 4)
    shares = [share_parts(work, Share(index, 2)) for index in range(2)]
    sent = [_Sent(share.encoded) for share in shares]
    run_replicas(
        [dataclasses.replace(share, encoded=encoded) for share, encoded in zip(shares, sent, strict=True)],
        on_wait=lambda: None,
    )
    assert [(sorted(one), one.times) for one in sent] == [(["0", "2"], 1), (["1", "3"], 1)]
    assert ScoreLog(open_store(work.workspace), work.log).finished() == {0, 1, 2, 3}


def _judged(
    folder: Path, endpoint: OpenAIEndpoint, share: str, rows: Sequence[Mapping[str, Any]] = ROWS
) -> str:
    document = {
        "architecture": "cerm",
        "prompt_mode": "none",
        "share": share,
        "judge": {"endpoint": endpoint.base_url, "model": "some-judge"},
    }
    config = load_config(ScoreBenchmarkConfig, document, where="here")
    benchmark = import_rows(folder.with_name(f"imported-{len(rows)}"), rows)
    return _digest(config, {"benchmark": benchmark}, folder)


def _judgement(body: Any) -> str:
    if len(body["messages"]) == 1:
        return "[CRITERIA]\n1. It sorts.\n[/CRITERIA]"
    return rf"\boxed{{{5 + len(body['messages'][-1]['content']) % 5}}}"


def test_judges_share_prompts_so_that_criteria_are_written_once(tmp_path: Path) -> None:
    with OpenAIEndpoint(_judgement) as endpoint:
        whole = _judged(tmp_path / "whole", endpoint, "0/1")
        asked = len(endpoint.requests)
        with pytest.raises(OthersUnfinishedError):
            _judged(tmp_path / "shared", endpoint, "0/2")
        assert _judged(tmp_path / "shared", endpoint, "1/2") == whole
        assert len(endpoint.requests) == 2 * asked


def test_judged_shares_of_another_benchmark_are_not_taken(tmp_path: Path) -> None:
    with OpenAIEndpoint(_judgement) as endpoint:
        with pytest.raises(OthersUnfinishedError):
            _judged(tmp_path / "begun", endpoint, "1/2", ROWS[:4])
        with pytest.raises(OthersUnfinishedError):
            _judged(tmp_path / "begun", endpoint, "0/2")
        assert _judged(tmp_path / "begun", endpoint, "1/2") == _judged(tmp_path / "whole", endpoint, "0/1")


def test_a_run_deals_a_cell_out_and_records_it_when_it_is_whole(
    tmp_path: Path, classifier_dataset: str
) -> None:
    cells = [
        {"id": "model", "model": classifier_dataset, "prompt_mode": "criterion", "pods": 2},
        {"id": "length", "architecture": "longer-response"},
    ]
    sections = {
        "import_benchmark": {"benchmark": str(write_parquet(tmp_path / "sample.parquet", ROWS))},
        "plan_cells": {**as_values(PlanCellsConfig()), "cells": cells},
        "score_benchmark": {"device": "cpu", "threads": 1, "batch_tokens": 1},
        "summarise": {},
    }
    run = write_run(tmp_path / "run", sections)
    artifact = str(tmp_path / "benchmark.json")
    run_task(IMPORT_BENCHMARK, task="import_benchmark", run=run, inputs={}, artifact=artifact)
    planned = plan_run(run=run, task="plan_cells")
    assert planned == {"model:0/2": "evaluate_1", "model:1/2": "evaluate_1", "length": "evaluate_0"}
    assert cells_by_group(planned)[1:3] == (["length"], ["model:0/2", "model:1/2"])

    def score(cell: str) -> dict[str, Any]:
        return score_cell(run=run, task="score_benchmark", cell=cell, benchmark=artifact)

    score("length")
    assert "belong to other shares" in score("model:1/2")["waiting"]
    with pytest.raises(UserError, match="cells without scores: model"):
        summarise_run(run=run, task="summarise")
    report_run(run=run, page=str(tmp_path / "page.html"), table=str(tmp_path / "table.md"))
    summary = json.loads((Path(run) / "report" / "summary.json").read_text())
    # as where the pod of the other share was killed: that the first one waits is no reason
    assert (
        "Cell model has no scores. Its task left no scores; the log of the task says why."
        in (summary["notices"])
    )
    assert score("model:0/2")["pairs"] == len(ROWS)
    # a share that ends at the same time finds what the other one wrote
    assert score("model:1/2")["pairs"] == len(ROWS)
    assert not RunFolder(run).tasks()["score_benchmark.model"]["cached"]
    summarise_run(run=run, task="summarise")
    assert "score_benchmark.model" in RunFolder(run).tasks()


@pytest.mark.parametrize("share", ["2/2", "a/b", "0", "-1/2", "0/0"])
def test_a_share_that_is_none_is_refused(share: str) -> None:
    with pytest.raises(UserError, match=r"share"):
        load_config(ScoreBenchmarkConfig, {"share": share}, where="here")
