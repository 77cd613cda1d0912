"""Files scored with a real model: equal to plain transformers, whatever else is in the file."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from pipelines.scoring.run import ScoreRequest, criterion_texts, score_file
from tests.components.evaluation.builders import publish_folder
from tests.e2e.runs import themis
from tests.fixtures.exported_model import write_exported, write_trained
from themis_common.errors import UserError
from themis_common.progress import Progress
from themis_common.prompts.chat import ChatRenderer, Conversation

SECURITY = "Security_Hardness"
ROWS = [
    {
        "prompt": f"Write function {number}.",
        "chosen": "return sorted(values)",
        "rejected": "values.sort() " * number,
    }
    for number in range(3)
]
MAX_TOKENS = 1200


@pytest.fixture(scope="session")
def texts() -> list[str]:
    return [text for text in criterion_texts(f"{SECURITY},all").values() if text] * 3


@pytest.fixture(scope="session")
def model(texts: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_exported(tmp_path_factory.mktemp("model") / "rm", texts, max_tokens=MAX_TOKENS)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def run(model: Path | str, file: Path, **options: Any) -> tuple[dict[str, Any], str]:
    """The counts, and what was said meanwhile."""
    said = io.StringIO()
    request = ScoreRequest(model=str(model), input=file, output=file.with_stem("scored"), **options)
    return score_file(request, Progress("score", stream=said)), said.getvalue()


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.with_stem("scored").read_text().splitlines()]


def plain_score(model: Path, system: str | None, prompt: str, response: str) -> float:
    classifier = AutoModelForSequenceClassification.from_pretrained(model)
    ids = (
        ChatRenderer(AutoTokenizer.from_pretrained(model)).encode(Conversation(system, prompt, response)).ids
    )
    with torch.no_grad():
        return float(classifier(torch.tensor([ids])).logits[0, 0])


def test_pairs_are_scored_by_each_criterion_as_transformers_scores_them(model: Path, pairs: Path) -> None:
    counts, said = run(model, pairs, criteria=f"security, none,{SECURITY}")
    found = lines(pairs)
    assert [{name: row[name] for name in ROWS[0]} for row in found] == ROWS
    for name, system in {SECURITY: criterion_texts(SECURITY)[SECURITY], "none": None}.items():
        for row in found:
            for side in ("chosen", "rejected"):
                expected = plain_score(model, system, row["prompt"], row[side])
                assert row[f"{side}_score_{name}"] == pytest.approx(expected, abs=1e-4)
            assert row[f"margin_{name}"] == row[f"chosen_score_{name}"] - row[f"rejected_score_{name}"]
    assert found[1][f"margin_{SECURITY}"] != found[1]["margin_none"]
    assert counts.keys() == {SECURITY, "none"}
    assert "12 conversations" in said


def test_the_best_candidate_wins_and_one_too_long_is_a_typed_failure(model: Path, tmp_path: Path) -> None:
    candidates = ["a = 1", "x" * 5000, "return sorted(values)", "a = 1"]
    table = pa.table({"prompt": ["Sort.", "Add."], "candidates": [candidates, ["b"]], "id": ["p", "q"]})
    pq.write_table(table, tmp_path / "a.parquet")
    counts, _ = run(model, tmp_path / "a.parquet", criteria="none", max_tokens=200)
    first, second = pq.read_table(tmp_path / "scored.parquet").to_pylist()
    expected = [plain_score(model, None, "Sort.", text) for text in ("a = 1", "return sorted(values)")]
    assert first["scores_none"][::2] == pytest.approx(expected, abs=1e-4)
    assert first["failures_none"] == [None, "too_long", None, None]
    assert first["winner_none"] == (0 if expected[0] > expected[1] else 2)
    assert (second["id"], second["winner_none"], second["margin_none"]) == ("q", 0, None)
    assert (counts["none"]["scored"], counts["none"]["failures"]) == (1, {"too_long": 1})


def test_a_dataset_of_model_files_scores_as_its_folder(model: Path, tmp_path: Path, pairs: Path) -> None:
    run(model, pairs, criteria="none")
    expected = lines(pairs)
    run(publish_folder(model, tmp_path / "dataset"), pairs, criteria="none")
    assert lines(pairs) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"criteria": "Beauty"}, "--criteria: unknown criterion 'Beauty'.*or all, or none"),
        ({"prompts": "gone/prompts.json"}, "gone/prompts.json.*themis prompts import"),
        ({"architecture": "r3"}, "r3 is generative"),
        ({"architecture": "armo"}, "not a model of architecture armo"),
    ],
)
def test_wrong_options(options: dict[str, str], words: str, model: Path, pairs: Path) -> None:
    with pytest.raises(UserError, match=words):
        run(model, pairs, **options)
    assert not pairs.with_stem("scored").exists()


def test_a_model_in_training_is_told_from_the_exported_one(
    texts: list[str], tmp_path: Path, pairs: Path
) -> None:
    trained = write_trained(tmp_path / "run" / "trained", texts, max_tokens=100)
    for given in (trained, trained.parent):
        with pytest.raises(
            UserError, match=f"model in training.* score the exported {trained.parent}/model$"
        ):
            run(given, pairs)


def test_the_command(model: Path, pairs: Path) -> None:
    output = pairs.with_stem("scored")
    command = ["score", "--model", str(model), "--input", str(pairs), "--output", str(output)]
    done = themis(*command, "--criteria", "none", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["criteria"]["none"]["scored"] == len(ROWS)
    assert len(lines(pairs)) == len(ROWS)
    wrong = themis(*command[:-1], str(output.with_suffix(".csv")))
    assert (wrong.returncode, wrong.stderr) == (
        2,
        f"error: {output.with_suffix('.csv')}: the output has the format of the input; let its name end in .jsonl\n",
    )
